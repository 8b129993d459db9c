"""MONAI bundles as their authors made them: read by our own reader, run as their configuration says."""
