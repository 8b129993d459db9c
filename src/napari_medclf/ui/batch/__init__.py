"""A model over a whole folder: what will run, how far it is, and its answers, the doubtful ones first."""
