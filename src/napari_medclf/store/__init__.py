"""Our folders on disk: models, datasets, projects, runs."""
