"""Learning from corrections in the window: the verdict, the time line, and what the work was worth."""
