"""What a person says about studies, images, slices and objects: said, listed, and learned from."""
