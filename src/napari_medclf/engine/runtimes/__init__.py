"""What runs a network: torch, or what was measured faster on this computer and answers the same."""
