"""An embedding of an image without any network: how bright and how rough it is, where."""

from __future__ import annotations

import numpy as np

from napari_medclf.domain.arrays import FloatArray, PixelArray

_CELLS = 4
_PERCENTILES = (1, 10, 25, 50, 75, 90, 99)


def describe_image(data: PixelArray) -> FloatArray:
    """Describe an image by percentiles of its samples and gradients, and by coarse means of both.

    Parameters
    ----------
    data : (..., K, J, I)
        Samples; channels count alike.

    Returns
    -------
    (f,) float32
        The same length for every image of one data set, whatever its size.
    """
    samples = np.asarray(data, dtype=np.float32).reshape(-1, *data.shape[-3:]).mean(axis=0)
    samples = np.nan_to_num(samples)
    low, high = np.percentile(samples, (1, 99))
    scaled = (samples - low) / (high - low) if high > low else np.zeros_like(samples)
    rough = np.abs(np.diff(scaled, axis=2, append=scaled[..., -1:])) + np.abs(
        np.diff(scaled, axis=1, append=scaled[:, -1:])
    )
    parts = [np.percentile(one, _PERCENTILES) for one in (samples, rough)]
    parts += [_coarse(one) for one in (scaled, rough)]
    return np.concatenate(parts).astype(np.float32)


def _coarse(values: FloatArray) -> FloatArray:
    """Means over 4 x 4 cells of the rows and columns, (16,)."""
    rows = np.array_split(values.mean(axis=0), _CELLS, axis=0)
    cells = [cell for row in rows for cell in np.array_split(row, _CELLS, axis=1)]
    return np.asarray([cell.mean() if cell.size else 0.0 for cell in cells], dtype=np.float32)
