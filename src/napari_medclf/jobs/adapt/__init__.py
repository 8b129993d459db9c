"""Learn from what people corrected, say whether it got better, and keep every state of the model."""
