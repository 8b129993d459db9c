"""From an image and a network to what a person asked for: scores, labels, objects or boxes; one module a task."""
