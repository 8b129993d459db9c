"""What an answer is like in numbers, and which answers of a run are unlike the others."""
