"""What is black and what is white: the limits an image is first shown with."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_medclf.domain.image import ChannelKind, MedImage, Scale

Limits = tuple[float, float]
_SAMPLE_LIMIT = 500_000
_SOFT_TISSUE_HU = (-160.0, 240.0)
_N_LAZY_PLANES = 3


def contrast_limits(image: MedImage) -> Limits:
    """Choose what is black and what is white.

    The image's own window; else soft tissue for CT, and robust percentiles for everything else. A window from air to
    tissue of a file that does not tell what it holds, such as NIfTI, is that of its samples: soft tissue, too. Of an
    image that is read when it is looked at, three planes are read, never the whole.
    """
    if image.window is not None and image.window[1] > image.window[0]:
        own = (float(image.window[0]), float(image.window[1]))
        is_guess = not image.modality and image.scale is not Scale.HU
        return _SOFT_TISSUE_HU if is_guess and shows_hounsfield_units(image, own) else own
    finite = _sample(image)
    if finite.size == 0:
        return (0.0, 1.0)
    low, high = (float(value) for value in np.percentile(finite, (0.5, 99.5)))
    if shows_hounsfield_units(image, (low, high)):
        return _SOFT_TISSUE_HU
    return (low, high) if high > low else (low, low + 1.0)


def full_range(image: MedImage) -> Limits:
    """Find the lowest and the highest sample; of a lazy image those of three planes."""
    values = _sample(image) if image.is_lazy else image.data
    low, high = _extremes(values)
    return (low, high) if high > low else (low, low + 1.0)


def shows_hounsfield_units(image: MedImage, limits: Limits | None = None) -> bool:
    """Tell a CT volume, also one whose format does not say so, by air around tissue (for the display only).

    Parameters
    ----------
    limits : (low, high) or None
        Robust limits of the samples, for an image that does not tell what it is.
    """
    if image.scale is Scale.HU:
        return True
    if image.is_flat or image.channel_kind is not ChannelKind.NONE:
        return False
    if image.modality or limits is None:
        return image.modality == "CT"
    return -1100 <= limits[0] <= -900 and 50 <= limits[1] <= 4000


def _extremes(values: NDArray[Any]) -> Limits:
    if values.size == 0:
        return (0.0, 1.0)
    low, high = float(values.min()), float(values.max())
    if np.isfinite(low) and np.isfinite(high):
        return (low, high)
    finite = values[np.isfinite(values)]
    return (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)


def _sample(image: MedImage) -> NDArray[Any]:
    """Take finite samples from all over an eager image, or from a few planes of a lazy one."""
    flat = _some_planes(image) if image.is_lazy else image.data.reshape(-1)
    sample = flat[:: max(1, flat.size // _SAMPLE_LIMIT)]
    return np.asarray(sample[np.isfinite(sample)])


def _some_planes(image: MedImage) -> NDArray[Any]:
    data = image.data
    while data.ndim > 3:
        data = data[0]
    n_planes = data.shape[0]
    chosen = {round(n_planes * (part + 1) / (_N_LAZY_PLANES + 1)) for part in range(_N_LAZY_PLANES)}
    return np.concatenate([np.asarray(data[min(k, n_planes - 1)]).reshape(-1) for k in sorted(chosen)])
