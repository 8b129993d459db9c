"""Files that hold the numbers of a network: told apart by content and read so that nothing in them can run."""
