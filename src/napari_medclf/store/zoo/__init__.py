"""Models that can be had from elsewhere: which there are, and fetching them whole and unchanged."""
