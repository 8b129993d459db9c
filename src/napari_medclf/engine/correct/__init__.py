"""What a person's painting does to labels: the lock on what they said, and tools that paint for them."""
