"""Classes of slices, images, studies and objects, given with the keys 1 to 9."""
