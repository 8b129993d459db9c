"""DICOM segmentations, in and out."""
