"""Spread brightness, and scale samples."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from napari_medclf.domain.arrays import FloatArray
from napari_medclf.domain.input_spec import Intensity
from napari_medclf.domain.preprocess_step import PreprocessStep
from napari_medclf.engine.intensity import normalise
from napari_medclf.engine.preprocess.voxels import Voxels

_N_BINS = 1024


def clahe(voxels: Voxels, step: PreprocessStep) -> FloatArray:
    """Equalise brightness in tiles; the range of the samples stays."""
    from skimage.exposure import equalize_adapthist

    def change(part: FloatArray) -> Any:
        tile = [max(round(n / step.number("tiles")), 1) for n in part.shape]
        return equalize_adapthist(part, kernel_size=tile, clip_limit=step.number("clip"))

    return voxels.map_brightness(_within_range(change))


def equalise(voxels: Voxels, _: PreprocessStep) -> FloatArray:
    """Equalise the histogram; the range of the samples stays."""
    from skimage.exposure import equalize_hist

    return voxels.map_brightness(_within_range(lambda part: equalize_hist(part, nbins=_N_BINS)))


def invert(voxels: Voxels, _: PreprocessStep) -> FloatArray:
    """Exchange black and white; the range of the samples stays."""
    return voxels.data.min() + voxels.data.max() - voxels.data


def scale(voxels: Voxels, step: PreprocessStep) -> FloatArray:
    """Scale samples as a card's intensity of that name does."""
    limits = {name: step.number(name) for name in ("low", "high") if name in step.values}
    scaled = voxels.data.copy()
    normalise(scaled, Intensity.model_validate({"kind": step.name, **limits}), (0.0, 1.0))
    return scaled


def _within_range(change: Callable[[FloatArray], Any]) -> Callable[[FloatArray], FloatArray]:
    """Work on samples from 0 to 1, and give them their range back."""

    def changed(part: FloatArray) -> FloatArray:
        low, high = float(part.min()), float(part.max())
        if high == low:
            return part
        return np.asarray(change((part - low) / (high - low)), dtype=np.float32) * (high - low) + low

    return changed
