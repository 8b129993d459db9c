"""The page of an evaluation, and of a learning curve: one file that opens in any browser."""
