"""Even out the brightness of MR, which falls off with the distance from the coils."""

from __future__ import annotations

import numpy as np

from napari_medclf.domain.arrays import BoolArray, FloatArray
from napari_medclf.domain.preprocess_step import PreprocessStep
from napari_medclf.engine.preprocess.splines import SplineField, approximate
from napari_medclf.engine.preprocess.voxels import Voxels

_LONGEST_VOX = 64
"""Of the grid on which the field is estimated; it is smooth, and N4 shrinks by 4 as well."""
# Numbers of N4 (Tustison 2010), as in ITK.
_N_BINS = 200
_BLUR_WIDTH = 0.15
"""Full width at half maximum, of the logarithm's values, by which the field is thought to blur the histogram."""
_WIENER_NOISE = 0.01
_CONVERGED = 0.001
"""Coefficient of variation of the last change of the field."""
_MOST_BODY = 0.9
"""Part of an image that may be positive while some of it still is background set to zero."""


def bias_field(voxels: Voxels, step: PreprocessStep) -> FloatArray:
    """Divide every volume or slice by its field; the mean brightness stays.

    Notes
    -----
    The field makes a histogram of logarithms wider than tissues are. Each round sharpens the histogram, says how far
    every voxel is from its sharpened value, and smooths these differences into the field (N3, Sled 1998), by splines
    that get finer from level to level (N4, Tustison 2010). Only samples above Otsu's threshold count.
    """
    knots, rounds = int(step.number("knots")), int(step.number("rounds"))
    return voxels.map_parts(lambda part: _without_field(part, knots, rounds))


def estimate(part: FloatArray, knots: int, rounds: int) -> tuple[SplineField, ...]:
    """Estimate the logarithm of the field in a picture or volume: a field a level, which are added.

    Returns
    -------
    tuple of SplineField
        Empty where too little is bright enough to say anything.
    """
    small = _shrink(part)
    mask = _bright(small)
    if np.count_nonzero(mask) < _N_BINS:
        return ()
    logs = np.log(np.where(mask, small, 1.0))
    fields: list[SplineField] = []
    known = np.zeros(small.shape)
    pieces_of_longest = 1
    while pieces_of_longest <= knots:
        pieces = tuple(max(round(n / max(small.shape) * pieces_of_longest), 1) for n in small.shape)
        lattice = np.zeros([n + 3 for n in pieces])
        for _ in range(rounds):
            change = _one_round(logs - known, mask, pieces)
            step = change.on_grid(small.shape)
            lattice += change.lattice
            known = known + step
            factors = np.exp(step[mask])
            if factors.std() < _CONVERGED * factors.mean():
                break
        fields.append(SplineField(lattice))
        pieces_of_longest *= 2
    return tuple(fields)


def _without_field(part: FloatArray, knots: int, rounds: int) -> FloatArray:
    fields = estimate(part, knots, rounds)
    if not fields:
        return part
    logs = sum((field.on_grid(part.shape) for field in fields), np.zeros(part.shape, dtype=np.float32))
    even = part * np.exp(-logs)
    is_bright = _bright(part)
    return np.asarray(even * (part[is_bright].mean() / even[is_bright].mean()), dtype=np.float32)


def _one_round(logs: FloatArray, mask: BoolArray, pieces: tuple[int, ...]) -> SplineField:
    differences = np.zeros(logs.shape)
    differences[mask] = logs[mask] - _sharpened(logs[mask])
    return approximate(differences, mask.astype(np.float64), pieces)


def _sharpened(logs: FloatArray) -> FloatArray:
    """Say which value each logarithm most likely had before the field blurred the histogram."""
    low, high = float(logs.min()), float(logs.max())
    if high - low < 1e-6:
        return logs
    width = (high - low) / (_N_BINS - 1)
    position = (logs - low) / width
    first = np.minimum(position.astype(int), _N_BINS - 2)
    part = position - first
    counts = np.bincount(first, 1 - part, _N_BINS) + np.bincount(first + 1, part, _N_BINS)

    n = 512  # a power of two with room for the blur on both sides
    offset = (n - _N_BINS) // 2
    padded = np.zeros(n)
    padded[offset : offset + _N_BINS] = counts
    sd_bins = _BLUR_WIDTH / (2 * np.sqrt(2 * np.log(2))) / width
    distance = np.minimum(np.arange(n), n - np.arange(n))
    blur = np.fft.fft(np.exp(-0.5 * (distance / sd_bins) ** 2) / (sd_bins * np.sqrt(2 * np.pi))).real
    wiener = blur / (blur**2 + _WIENER_NOISE)
    sharp = np.maximum(np.fft.ifft(np.fft.fft(padded) * wiener).real, 0)

    values = low + (np.arange(n) - offset) * width
    weighted = np.fft.ifft(np.fft.fft(sharp * values) * blur).real
    chance = np.fft.ifft(np.fft.fft(sharp) * blur).real
    expected = np.where(chance > 1e-9, weighted / np.maximum(chance, 1e-9), values)
    return np.asarray(np.interp(position, np.arange(_N_BINS), expected[offset : offset + _N_BINS]))


def _bright(part: FloatArray) -> BoolArray:
    from skimage.filters import threshold_otsu

    positive = part[part > 0]
    if positive.size == 0 or positive.min() == positive.max():
        return np.zeros(part.shape, dtype=bool)
    # Without a background to tell apart, the threshold would fall between tissues: then all that is positive counts.
    threshold = threshold_otsu(part) if positive.size < _MOST_BODY * part.size else 0.0
    return part > threshold


def _shrink(part: FloatArray) -> FloatArray:
    from napari_medclf.engine.grid.resize import resize_samples

    factor = max(max(part.shape) / _LONGEST_VOX, 1.0)
    shape = tuple(max(round(n / factor), 1) for n in part.shape)
    volume = part.reshape((1, *(1,) * (3 - part.ndim), *part.shape))
    return resize_samples(volume, (*(1,) * (3 - part.ndim), *shape))[0].reshape(shape)
