"""What happens to an image before a network sees it, shown on the image that is open."""
