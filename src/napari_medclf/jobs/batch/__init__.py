"""Run a model on a whole folder: the plan, and the run."""
