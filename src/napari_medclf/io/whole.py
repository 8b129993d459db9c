"""Label values: whole numbers from 0 up, however they were stored."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_medclf.domain.arrays import LabelArray
from napari_medclf.domain.errors import ReadError

_LARGEST_EXACT = 2**31 - 1


def whole_numbers(path: Path, samples: NDArray[Any]) -> LabelArray:
    """Turn samples into label values: bool becomes 0 and 1, whole floats integers.

    Raises
    ------
    ReadError
        If one is not whole, negative, or too large to be exact.
    """
    if samples.dtype == np.bool_:
        return samples.astype(np.uint8)
    if np.issubdtype(samples.dtype, np.integer):
        return _not_negative(path, np.ascontiguousarray(samples))
    with np.errstate(invalid="ignore"):
        rounded = np.rint(samples)
    off = ~np.isfinite(samples) | (np.abs(samples - rounded) > 1e-3)
    if off.any():
        place = tuple(int(n) for n in np.argwhere(off)[0])
        raise ReadError(
            path,
            f"holds {int(off.sum())} samples that are not whole, such as {samples[place]} at (k, j, i) = {place}",
            "It may be a probability map or a resampled label image; labels must be whole.",
        )
    return _not_negative(path, rounded)


def _not_negative(path: Path, samples: NDArray[Any]) -> LabelArray:
    lowest, highest = samples.min(), samples.max()
    if lowest < 0:
        raise ReadError(path, f"holds the negative label value {int(lowest)}", "Labels run from 0 (background) up.")
    if highest > _LARGEST_EXACT:
        raise ReadError(path, f"holds the label value {highest}, larger than {_LARGEST_EXACT}")
    if np.issubdtype(samples.dtype, np.integer) and samples.dtype.itemsize < 8:
        return samples
    return samples.astype(np.min_scalar_type(int(highest)))
