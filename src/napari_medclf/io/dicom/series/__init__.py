"""Which plane lies where: series, stacks, times, gaps and mosaics."""
