"""What is trained: the recipe, its settings, and how it compares with simpler models."""
