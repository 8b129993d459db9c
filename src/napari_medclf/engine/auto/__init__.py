"""Training without choices to make: several recipes are tried, and those that help answer together."""
