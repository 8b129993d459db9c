"""From an image's grid to the network's and home again."""
