"""From an image's sample values to what a network takes."""

from __future__ import annotations

from typing import Any

import numpy as np

from napari_medclf.domain.arrays import BoolArray, FloatArray
from napari_medclf.domain.errors import CardError
from napari_medclf.domain.image import MedImage
from napari_medclf.domain.input_spec import InputSpec, Intensity
from napari_medclf.engine.channels import read_now

# Above this, percentiles come from every n-th voxel: their error is far below the noise.
_MAX_PERCENTILE_VOX = 20_000_000
# nnU-Net's: a channel without any contrast is not blown up further.
_SMALLEST_STD = 1e-8


def scale_channels(data: FloatArray, spec: InputSpec, limits: tuple[float, float]) -> None:
    """Scale (C, K, J, I) float32 samples in place, as the card wants: each channel's own way, then all further ones.

    Parameters
    ----------
    limits : (lowest, highest)
        What ``range`` maps to 0..1; see `value_limits`.

    Raises
    ------
    CardError
        If mean and std are not one number a channel.
    """
    filled = _fill_holes(data) if any(one.of == "filled" for one in _all_of(spec)) else None
    if spec.channel_intensity:
        for channel, intensity in enumerate(spec.channel_intensity):
            normalise(data[channel : channel + 1], intensity, limits, filled)
    else:
        normalise(data, spec.intensity, limits, filled)
    for intensity in spec.then:
        normalise(data, intensity, limits, filled)


def normalise(
    data: FloatArray, intensity: Intensity, limits: tuple[float, float], filled: BoolArray | None = None
) -> None:
    """Scale (C, K, J, I) float32 samples in place, one way.

    Parameters
    ----------
    filled : (K, J, I) or None
        The mask for ``of="filled"``.

    Notes
    -----
    Values equal those of MONAI 1.6.1's ``NormalizeIntensity``, ``ScaleIntensity``, ``ScaleIntensityRange`` and
    ``ScaleIntensityRangePercentiles``, and of nnU-Net 2.8's normalisations, within rounding.
    """
    groups = data[:, np.newaxis] if intensity.is_per_channel else data[np.newaxis]
    for group in groups:
        _scale(group, intensity, limits, filled)
    _standardise(data, intensity)


def needs_statistics(spec: InputSpec) -> bool:
    """Whether the scaling looks at all samples of an image before it changes one."""
    return any(one.kind in ("zscore", "percentile", "minmax") for one in _all_of(spec))


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
    low, high = _observed_range(image)
    if low >= 0 and high <= 1:
        return (0.0, 1.0), ""
    return (low, high), f"The samples have no known range; the observed {low:g} to {high:g} was taken."


def _observed_range(image: MedImage) -> tuple[float, float]:
    """Smallest and largest finite sample; 0 and 1 where none is finite."""
    samples = read_now(image.name, image.data)
    is_finite = np.isfinite(samples)
    if not is_finite.any():
        return 0.0, 1.0
    return (
        float(np.min(samples, where=is_finite, initial=np.inf)),
        float(np.max(samples, where=is_finite, initial=-np.inf)),
    )


def _all_of(spec: InputSpec) -> tuple[Intensity, ...]:
    return (*(spec.channel_intensity or (spec.intensity,)), *spec.then)


def _fill_holes(data: FloatArray) -> BoolArray:
    """Where any channel is not zero, and the holes in that (nnU-Net's mask)."""
    from scipy.ndimage import binary_fill_holes

    return np.asarray(binary_fill_holes((data != 0).any(axis=0)))


def _dtype_range(dtype: np.dtype[Any]) -> tuple[float, float]:
    info = np.iinfo(dtype)
    return float(info.min), float(info.max)


def _scale(group: FloatArray, intensity: Intensity, limits: tuple[float, float], filled: BoolArray | None) -> None:
    kind = intensity.kind
    if kind == "zscore":
        _zscore(group, intensity, filled)
    elif kind == "percentile":
        low, high = _percentiles(_select(group, intensity, filled), intensity)
        _to_unit(group, low, high, is_clipped=intensity.is_clipped)
    elif kind == "window":
        _to_unit(group, intensity.low, intensity.high, is_clipped=intensity.is_clipped)
    elif kind in ("range", "stored"):
        _to_unit(group, *limits, is_clipped=intensity.is_clipped)
    elif kind == "minmax":
        _to_unit(group, float(group.min()), float(group.max()), is_clipped=False)
    elif kind == "clip":
        np.clip(group, intensity.low, intensity.high, out=group)


def _zscore(group: FloatArray, intensity: Intensity, filled: BoolArray | None) -> None:
    if (intensity.low, intensity.high) != (0.0, 100.0):
        np.clip(group, *_percentiles(_select(group, intensity, filled), intensity), out=group)
    counted = _select(group, intensity, filled)
    if counted.size == 0:
        return
    mean, std = counted.mean(dtype=np.float64), counted.std(dtype=np.float64)
    changed: Any = ...
    if intensity.of == "nonzero":
        changed = group != 0
    elif intensity.of == "filled":
        changed = np.broadcast_to(_given(filled), group.shape)
    if changed is ...:
        group -= np.float32(mean)
        group /= np.float32(std if std > _SMALLEST_STD else 1.0)
    else:
        group[changed] = (group[changed] - np.float32(mean)) / np.float32(std if std > _SMALLEST_STD else 1.0)


def _select(group: FloatArray, intensity: Intensity, filled: BoolArray | None) -> FloatArray:
    """The samples that count for statistics."""
    if intensity.of == "nonzero":
        return np.asarray(group[group != 0])
    if intensity.of == "filled":
        return np.asarray(group[:, _given(filled)])
    if intensity.of == "above_mean":
        return np.asarray(group[group > group.mean(dtype=np.float64)])
    return group


def _given(filled: BoolArray | None) -> BoolArray:
    if filled is None:
        raise CardError("A scaling of the filled foreground needs the whole image.")
    return filled


def _to_unit(group: FloatArray, low: float, high: float, *, is_clipped: bool) -> None:
    if is_clipped:
        np.clip(group, low, high, out=group)
    group -= np.float32(low)
    if high > low:
        group /= np.float32(high - low)


def _percentiles(counted: FloatArray, intensity: Intensity) -> tuple[float, float]:
    if counted.size == 0:
        return 0.0, 0.0
    step = -(-counted.size // _MAX_PERCENTILE_VOX)
    low, high = np.percentile(counted.reshape(-1)[::step], (intensity.low, intensity.high))
    return float(low), float(high)


def _standardise(data: FloatArray, intensity: Intensity) -> None:
    for values, apply in ((intensity.mean, np.subtract), (intensity.std, np.divide)):
        if len(values) not in (0, len(data)):
            raise CardError(f"The card gives {len(values)} numbers as mean or std for {len(data)} channels.")
        if values:
            apply(data, np.asarray(values, dtype=np.float32)[:, None, None, None], out=data)
