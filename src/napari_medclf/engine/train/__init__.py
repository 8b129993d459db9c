"""Learning: a recipe, cases and a seed go in; weights, a calibrated card and a history come out."""
