"""The families of recipes, a few to a file; each file lists its own in ``FAMILIES``."""
