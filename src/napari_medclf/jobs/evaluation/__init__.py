"""The parts of an evaluation: numbers of many cases, and what they mean."""
