"""Volumes in files of their own: NIfTI, NRRD, MetaImage, Analyze."""
