"""Where in an image a network found what it says."""
