"""What a network can be made to learn: one objective for each task."""
