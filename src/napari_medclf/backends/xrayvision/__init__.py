"""Chest X-ray classifiers of TorchXRayVision (Cohen 2022)."""

from napari_medclf.backends.xrayvision.backend import XRayVisionBackend

__all__ = ["XRayVisionBackend"]
