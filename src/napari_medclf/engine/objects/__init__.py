"""Objects of an instance segmentation: what each looks like, and which class it has, as a person shows by examples."""
