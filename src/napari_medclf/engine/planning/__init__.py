"""Foresee what memory a run takes, and cut it so that it fits."""
