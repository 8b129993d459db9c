"""A second way to open what was written, which shares no code with the writers and readers beside it."""
