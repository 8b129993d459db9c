"""Learn from a few strokes in tens of milliseconds: the last layer of a network, refitted on cached features."""
