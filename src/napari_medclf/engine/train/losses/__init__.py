"""What a network is made to lower."""
