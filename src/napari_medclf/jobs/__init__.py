"""Use cases as generators, and the one loop that drives them."""
