"""What stored bits mean: decoding, colours, scales, and how fast they arrive."""
