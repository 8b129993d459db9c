"""Let a network that is in use learn from a few corrections, in seconds."""
