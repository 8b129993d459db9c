"""Domain values to napari layer data and back; imports no napari."""
