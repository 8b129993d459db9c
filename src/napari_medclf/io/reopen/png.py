"""Open a PNG with libpng; the writer packs it by itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from napari_medclf.io.reopen.found import Found


def reopen(path: Path) -> Found:
    """Read the samples of one slice."""
    import imagecodecs

    samples = np.asarray(imagecodecs.png_decode(path.read_bytes()))
    return Found(samples[None] if samples.ndim == 2 else np.moveaxis(samples, -1, 0)[:, None])
