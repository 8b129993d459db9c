"""Result folders of nnU-Net v2 (Isensee 2021), run as its own predictor runs them."""

from __future__ import annotations

from napari_medclf.backends.nnunet.backend import NnunetBackend

__all__ = ["NnunetBackend"]
