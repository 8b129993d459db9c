"""Programs of others that run in an environment of their own."""
