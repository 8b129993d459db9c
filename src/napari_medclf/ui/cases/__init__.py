"""Cases of labelled data: read, listed, and opened in the viewer."""
