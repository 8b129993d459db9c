"""From an image's sample values to what a network takes."""

from __future__ import annotations

from typing import Any

import numpy as np

from napari_medclf.domain.arrays import FloatArray
from napari_medclf.domain.errors import CardError
from napari_medclf.domain.image import MedImage
from napari_medclf.domain.input_spec import Intensity

# Above this, percentiles come from every n-th voxel: their error is far below the noise.
_MAX_PERCENTILE_VOX = 2_000_000


def normalise(data: FloatArray, intensity: Intensity, limits: tuple[float, float]) -> None:
    """Scale (C, K, J, I) float32 samples in place, as the card wants.

    Parameters
    ----------
    limits : (lowest, highest)
        What ``range`` maps to 0..1; see `value_limits`.

    Raises
    ------
    CardError
        If mean and std are not one number a channel.
    """
    for channel in data:
        if intensity.kind == "zscore":
            _zscore(channel, intensity)
        elif intensity.kind == "percentile":
            _to_unit(channel, *_percentiles(channel, intensity))
        elif intensity.kind == "window":
            _to_unit(channel, intensity.low, intensity.high)
        else:
            _to_unit(channel, *limits)
    _standardise(data, intensity)


def value_limits(image: MedImage) -> tuple[tuple[float, float], str]:
    """Say what ``range`` maps to 0..1, and a warning where that had to be guessed.

    Bytes go by their dtype. Wider samples rarely fill their dtype (DICOM stores 12 bits in 16), so
    the display window is taken, and without one the dtype's range, or for floats the observed one.
    """
    dtype = image.data.dtype
    if dtype == np.bool_:
        return (0.0, 1.0), ""
    if dtype in (np.uint8, np.int8):
        return _dtype_range(dtype), ""
    if image.window is not None:
        low, high = image.window
        return (low, high), f"The display window {low:g} to {high:g} was taken as the range of the samples."
    if np.issubdtype(dtype, np.integer):
        return (0.0, _dtype_range(dtype)[1]), ""
    low, high = float(np.nanmin(image.data)), float(np.nanmax(image.data))
    if low >= 0 and high <= 1:
        return (0.0, 1.0), ""
    return (low, high), f"The samples have no known range; the observed {low:g} to {high:g} was taken."


def fill_non_finite(data: FloatArray) -> str:
    """Replace NaN and infinities by the smallest finite sample; returns a warning, or nothing."""
    if np.isfinite(data.min()) and np.isfinite(data.max()):
        return ""
    is_finite = np.isfinite(data)
    n_bad = data.size - int(np.count_nonzero(is_finite))
    data[~is_finite] = data[is_finite].min() if n_bad < data.size else 0.0
    return f"{n_bad} of {data.size} samples are not finite numbers; they were set to the smallest one."


def _dtype_range(dtype: np.dtype[Any]) -> tuple[float, float]:
    info = np.iinfo(dtype)
    return float(info.min), float(info.max)


def _zscore(channel: FloatArray, intensity: Intensity) -> None:
    if (intensity.low, intensity.high) != (0.0, 100.0):
        np.clip(channel, *_percentiles(channel, intensity), out=channel)
    mean, std = channel.mean(dtype=np.float64), channel.std(dtype=np.float64)
    channel -= np.float32(mean)
    if std > 0:
        channel /= np.float32(std)


def _to_unit(channel: FloatArray, low: float, high: float) -> None:
    np.clip(channel, low, high, out=channel)
    channel -= np.float32(low)
    if high > low:
        channel /= np.float32(high - low)


def _percentiles(channel: FloatArray, intensity: Intensity) -> tuple[float, float]:
    step = -(-channel.size // _MAX_PERCENTILE_VOX)
    low, high = np.percentile(channel.reshape(-1)[::step], (intensity.low, intensity.high))
    return float(low), float(high)


def _standardise(data: FloatArray, intensity: Intensity) -> None:
    for values, apply in ((intensity.mean, np.subtract), (intensity.std, np.divide)):
        if len(values) not in (0, len(data)):
            raise CardError(f"The card gives {len(values)} numbers as mean or std for {len(data)} channels.")
        if values:
            apply(data, np.asarray(values, dtype=np.float32)[:, None, None, None], out=data)
