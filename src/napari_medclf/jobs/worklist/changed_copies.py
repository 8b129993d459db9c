"""Copies of an image changed in ways that mean nothing, to see whether the answer changes (test-time augmentation)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from napari_medclf.domain.arrays import LabelArray
    from napari_medclf.domain.card import ModelCard
    from napari_medclf.domain.image import MedImage

_NOISE = 0.03
_STRETCH = 1.15


@dataclass(frozen=True)
class ChangedCopy:
    """A changed image, and how its labels come back to the image's own voxels."""

    name: str
    image: MedImage
    bring_back: Callable[[LabelArray], LabelArray]


def changed_copies(image: MedImage, card: ModelCard) -> tuple[ChangedCopy, ...]:
    """Change the noise, the contrast, and, where the model's card allows mirrored images, the sides.

    Noise has a standard deviation of 3 % of the range between the 1st and 99th percentile; the contrast is stretched by
    15 % around the median. Both are the same every time, so that the number is, too.
    """
    samples = np.asarray(image.data)
    low, middle, high = np.percentile(samples, (1, 50, 99))
    span = float(high - low) or 1.0
    noise = np.random.default_rng(0).normal(0, _NOISE * span, samples.shape)
    copies = [
        ChangedCopy("noise", _with(image, samples + noise), _as_it_is),
        ChangedCopy("contrast", _with(image, middle + _STRETCH * (samples - middle)), _as_it_is),
    ]
    if len(card.output.mirror_axes) == card.input.spatial_dims:
        copies.append(ChangedCopy("mirror", replace(image, data=samples[..., ::-1].copy()), _mirrored))
    return tuple(copies)


def _with(image: MedImage, samples: np.ndarray) -> MedImage:
    """Whole numbers stay in their range."""
    dtype = image.data.dtype
    if dtype.kind in "iu":
        limits = np.iinfo(dtype.str)
        samples = np.clip(np.rint(samples), limits.min, limits.max)
    return replace(image, data=samples.astype(dtype))


def _as_it_is(labels: LabelArray) -> LabelArray:
    return labels


def _mirrored(labels: LabelArray) -> LabelArray:
    return labels[..., ::-1]
