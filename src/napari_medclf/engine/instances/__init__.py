"""Tell touching objects apart; one module a kind of network, `find` chooses."""
