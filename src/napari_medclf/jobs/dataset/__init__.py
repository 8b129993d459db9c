"""Look after labelled data: bring it in, look for what is wrong, split it, show it, write it for other programs."""
