"""The window: Qt and napari."""
