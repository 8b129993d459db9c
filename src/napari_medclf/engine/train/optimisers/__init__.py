"""How the weights of a network are moved: optimisers, and which weights move how fast."""
