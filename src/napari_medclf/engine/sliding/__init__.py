"""Run a network over an image: whole, or window by window."""
