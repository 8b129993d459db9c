"""Labelled data in the window: its cases, what is wrong with them, and what is left out."""
