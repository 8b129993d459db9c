"""Recognise networks of MONAI by the names and shapes of their weights."""
