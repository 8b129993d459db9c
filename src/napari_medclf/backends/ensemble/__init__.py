"""Several models with one answer, listed in an ``ensemble.json``."""
