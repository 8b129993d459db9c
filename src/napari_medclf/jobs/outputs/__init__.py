"""What a run writes: formats, files, values, and what cases are called."""
