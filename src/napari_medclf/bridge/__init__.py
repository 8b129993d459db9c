"""Between the domain and napari's layer tuples; knows napari's conventions without importing it."""
