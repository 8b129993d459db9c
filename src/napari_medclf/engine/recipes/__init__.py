"""Recipes: what can be trained, planned from a look at the data; nothing here imports torch."""
