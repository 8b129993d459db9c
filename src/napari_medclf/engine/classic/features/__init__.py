"""Numbers that describe a whole image, counted for a batch of images at once."""
