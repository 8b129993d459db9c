"""What was derived from images: segmentations, contours, reports, parametric maps."""
