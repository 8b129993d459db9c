"""DICOM: headers first, then series, then samples; pydicom stays inside functions."""
