"""The dock in napari: forms, panels and the workers that keep the window alive."""
