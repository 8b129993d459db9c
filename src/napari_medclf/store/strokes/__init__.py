"""Every stroke of a person on disk before the next one: journals of strokes, and labels made from them again."""
