"""The kinds of model files that can be run, one module or folder each; all are entry points."""
