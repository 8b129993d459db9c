"""Several networks with one answer: means in the window loop, one after the other, or by vote."""
