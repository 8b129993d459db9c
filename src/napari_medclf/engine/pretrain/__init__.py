"""Learning from images without labels, so that a later training begins with more than random numbers."""
