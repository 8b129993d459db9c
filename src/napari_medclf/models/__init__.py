"""The embedded model packages."""
