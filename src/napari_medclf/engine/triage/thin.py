"""A small copy of an image and its labels that lies along the patient's axes: enough to describe an answer by."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_medclf.domain.arrays import FloatArray, LabelArray
from napari_medclf.domain.geometry import Geometry, Unit
from napari_medclf.domain.image import ChannelKind, MedImage

_MOST_AN_AXIS = 64
_MOST_IN_LABELLED_PICTURE = 256
"""A picture has one slice, so that finer outlines cost no more than those of a volume."""
_COLOURED = (ChannelKind.COLOUR, ChannelKind.COLOUR_TIME)


@dataclass(frozen=True, eq=False)
class Thinned:
    """Every n-th voxel of an image.

    Parameters
    ----------
    samples : (K, J, I) float32
        Of volumes along I-S, A-P and R-L, so that a flipped image looks otherwise; of pictures as they are stored.
        Channels are averaged.
    labels : (K, J, I) integer or None
        Of the same voxels.
    spacing : (k, j, i)
        Steps, in mm or pixels.
    tint : (red over green, blue over yellow)
        Mean differences of the colour channels, in the unit of `samples`; 0 of gray images.
    """

    samples: FloatArray
    labels: LabelArray | None
    spacing: tuple[float, float, float]
    tint: tuple[float, float] = (0.0, 0.0)

    @cached_property
    def mean_and_spread(self) -> tuple[float, float]:
        """Mean and standard deviation of the samples; 1 where they are all alike."""
        return float(self.samples.mean()), float(self.samples.std()) or 1.0


def thin_out(image: MedImage, labels: LabelArray | None = None) -> Thinned:
    """Take at most 64 voxels an axis, evenly spread; 256 of a picture with labels.

    A lazy image is read only where it is looked at.
    """
    most = _MOST_IN_LABELLED_PICTURE if image.geometry.is_flat and labels is not None else _MOST_AN_AXIS
    picked = tuple(slice(None, None, -(-n // most)) for n in image.geometry.shape)
    order, flips = _patient_axes(image.geometry)
    channels = np.nan_to_num(_channels(image, picked), posinf=0.0, neginf=0.0)
    k, j, i = (image.geometry.spacing[axis] * (picked[axis].step or 1) for axis in order)
    return Thinned(
        _turn(channels.mean(axis=0, dtype=np.float32), order, flips),
        None if labels is None else _turn(labels[picked], order, flips),
        (k, j, i),
        _tint(channels) if image.channel_kind in _COLOURED else (0.0, 0.0),
    )


def _channels(image: MedImage, picked: tuple[slice, ...]) -> FloatArray:
    """Take the samples (C, K, J, I) of the first time."""
    k, j, i = picked
    samples = np.asarray(image.data[..., k, j, i], dtype=np.float32)
    if image.channel_kind in (ChannelKind.TIME, ChannelKind.COLOUR_TIME):
        samples = samples[0]
    return samples.reshape(-1, *samples.shape[-3:])


def _tint(channels: FloatArray) -> tuple[float, float]:
    """Mean opponent colours: how much more red than green there is, and how much more blue than both."""
    red, green, blue = channels[:3].mean(axis=(1, 2, 3), dtype=np.float64).tolist()
    return red - green, blue - (red + green) / 2


def _patient_axes(geometry: Geometry) -> tuple[tuple[int, int, int], tuple[int, ...]]:
    """Say which array axes lie along z, y and x of the patient, and which of these must be turned round."""
    if geometry.is_flat or geometry.unit is Unit.PIXEL:
        return (0, 1, 2), ()
    found = {world: (axis, sign) for axis, (world, sign) in enumerate(geometry.nearest_axes)}
    z, y, x = (found[world] for world in (2, 1, 0))
    return (z[0], y[0], x[0]), tuple(n for n, (_, sign) in enumerate((z, y, x)) if sign < 0)


def _turn(values: NDArray[Any], order: tuple[int, int, int], flips: tuple[int, ...]) -> NDArray[Any]:
    return np.flip(values.transpose(order), flips) if flips else values.transpose(order)
