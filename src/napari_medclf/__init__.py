"""Deep models for medical images: run, see, correct, train and batch, in napari and without."""
