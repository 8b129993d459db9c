"""What a card promises, compared with an image, and what can be mended."""
