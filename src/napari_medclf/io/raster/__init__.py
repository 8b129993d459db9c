"""Pictures: PNG, JPEG, TIFF, GIF, BMP."""
