"""What samples look like where nothing in the file tells: Hounsfield units, a screenshot, an inverted X-ray."""

from __future__ import annotations

import numpy as np

from napari_medclf.domain.arrays import FloatArray
from napari_medclf.domain.image import MedImage

HOUNSFIELD_SHIFT = 1024
"""Files without signed numbers store Hounsfield units with this added."""

# So many samples an axis are enough to tell, and cost nothing.
_MOST_AN_AXIS = 64
# Hounsfield units: air and lung below, fat to contrast-filled vessels inside.
_AIR_HU = (-1100.0, -200.0)
_TISSUE_HU = (-150.0, 250.0)
_FEW, _MANY = 0.001, 0.05
_HIGHEST_OF_SCREEN = 255.0
# Of the picture's range. Of PneumoniaMNIST's 5,856 chest X-rays none was called inverted, of their inverses 98.9 %.
_SURELY = 0.1


def thin_out(image: MedImage) -> FloatArray:
    """Take at most 64 samples an axis, evenly spread, as float32 (..., k, j, i)."""
    k, j, i = (slice(None, None, -(-n // _MOST_AN_AXIS)) for n in image.geometry.shape)
    return np.asarray(image.data[..., k, j, i], dtype=np.float32)


def is_hounsfield(samples: FloatArray) -> bool:
    """Whether samples are Hounsfield units: air and tissue lie where they should."""
    return _share(samples, _AIR_HU) > _MANY and _share(samples, _TISSUE_HU) > _MANY


def is_shifted_hounsfield(samples: FloatArray) -> bool:
    """Whether samples are Hounsfield units with 1024 added: tissue lies there, and nothing where air should be."""
    return (
        _share(samples, _AIR_HU) < _FEW
        and _share(samples, _shifted(_TISSUE_HU)) > _MANY
        and _share(samples, (_HIGHEST_OF_SCREEN, np.inf)) > _MANY
    )


def is_made_for_screens(samples: FloatArray) -> bool:
    """Whether samples lie between 0 and 255 (or 0 and 1), as those of pictures do and Hounsfield units never all do."""
    low, high = float(samples.min()), float(samples.max())
    return low >= 0 and low < high <= _HIGHEST_OF_SCREEN


def is_inverted_xray(samples: FloatArray) -> bool:
    """Whether a frontal X-ray is inverted: its upper corners and its sides are brighter than its middle.

    Parameters
    ----------
    samples : (j, i)
        Of one picture, high values bright.

    Notes
    -----
    The rays pass freely beside the shoulders and easily through the lungs, both dark, and hardly through the spine and
    the heart between them. Both must be the other way round by a tenth of the range. Where the picture shows something
    else, or too small to tell, it is not called inverted.
    """
    low, high = np.percentile(samples, (1, 99))
    rows, columns = samples.shape
    if min(rows, columns) < 8 or high <= low:
        return False
    parts = (samples - low) / (high - low)
    middle = _mean(parts, (0.22, 0.7), (0.43, 0.57))
    sides = (_mean(parts, (0.22, 0.7), (0.18, 0.36)) + _mean(parts, (0.22, 0.7), (0.64, 0.82))) / 2
    corners = (_mean(parts, (0, 0.14), (0, 0.14)) + _mean(parts, (0, 0.14), (0.86, 1))) / 2
    return bool(sides - middle > _SURELY and corners - middle > _SURELY)


def _share(samples: FloatArray, limits: tuple[float, float]) -> float:
    return float(np.mean((samples >= limits[0]) & (samples < limits[1])))


def _shifted(limits: tuple[float, float]) -> tuple[float, float]:
    return (limits[0] + HOUNSFIELD_SHIFT, limits[1] + HOUNSFIELD_SHIFT)


def _mean(parts: FloatArray, rows: tuple[float, float], columns: tuple[float, float]) -> float:
    n_rows, n_columns = parts.shape
    down = slice(round(rows[0] * n_rows), max(round(rows[1] * n_rows), round(rows[0] * n_rows) + 1))
    right = slice(round(columns[0] * n_columns), max(round(columns[1] * n_columns), round(columns[0] * n_columns) + 1))
    return float(parts[down, right].mean())
