"""The fingerprint of a data set: spacing, size and foreground intensity (Isensee 2021, nnU-Net)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from napari_medclf.domain.image import Scale
from napari_medclf.domain.input_spec import Intensity
from napari_medclf.engine.recipes.look import DataLook

_ANISOTROPIC = 3.0
"""Voxels so much longer than wide are resampled less (nnU-Net's ``ANISO_THRESHOLD``)."""
_MOST_SAMPLES = 20_000
"""Foreground samples of an image that the statistics are taken from."""


@dataclass(frozen=True)
class DataFingerprint:
    """What nnU-Net decides from.

    Parameters
    ----------
    spacing_mm : tuple of float
        That images are brought to, along the axes that the network sees; (1, 1) or (1, 1, 1) for pictures.
    size_vox : tuple of float
        Median size on that grid.
    intensity : Intensity
        CT: clipped to the percentiles 0.5 and 99.5 of all foreground, then its mean and deviation; else every image by
        its own mean and deviation.
    """

    spacing_mm: tuple[float, ...]
    size_vox: tuple[float, ...]
    intensity: Intensity

    @property
    def is_anisotropic(self) -> bool:
        """Whether voxels are much longer along one axis."""
        return max(self.spacing_mm) > _ANISOTROPIC * min(self.spacing_mm)


def take_fingerprint(look: DataLook) -> DataFingerprint:
    """Measure the images that were looked at, and their labels where there are any."""
    spacing = (1.0,) * look.spatial_dims if look.is_in_pixels else _target_spacing(look)
    size = look.size_vox(None if look.is_in_pixels else spacing)
    return DataFingerprint(spacing, size, _intensity(look))


def _target_spacing(look: DataLook) -> tuple[float, ...]:
    """Median of each axis; the worst axis of anisotropic data takes the 10th percentile, so that less is lost."""
    spacings = np.array([image.geometry.spacing for image in look.images])[:, -look.spatial_dims :]
    sizes = np.array(look.size_vox())
    target = np.median(spacings, axis=0)
    worst = int(np.argmax(target))
    others = np.delete(np.arange(len(target)), worst)
    is_uneven = target[worst] > _ANISOTROPIC * target[others].max()
    if is_uneven and sizes[worst] * _ANISOTROPIC < sizes[others].min():
        target[worst] = max(np.percentile(spacings[:, worst], 10), target[others].max() + 1e-5)
    return tuple(round(float(one), 3) for one in target)


def _intensity(look: DataLook) -> Intensity:
    if not all(image.scale is Scale.HU for image in look.images):
        return Intensity(kind="zscore", low=0, high=100)
    samples = np.concatenate(_foreground(look))
    low, high = np.percentile(samples, [0.5, 99.5])
    return Intensity(
        kind="clip",
        low=float(low),
        high=float(max(high, low + 1)),
        mean=(float(samples.mean()),),
        std=(float(max(samples.std(), 1e-3)),),
    )


def _foreground(look: DataLook) -> list[np.ndarray]:
    """Samples of each image below its labels; of the whole image where there are none."""
    found = []
    for number, image in enumerate(look.images):
        data = np.asarray(image.data, dtype=np.float32)
        inside = data[..., look.labels[number] > 0].reshape(-1) if look.labels else data.reshape(-1)
        samples = inside if inside.size else data.reshape(-1)
        found.append(samples[:: max(samples.size // _MOST_SAMPLES, 1)])
    return found
