"""Run a model on what arrives: in a folder, or from a scanner."""
