"""From NIfTI's right-anterior-superior world to DICOM's left-posterior-superior one, and back.

The only place in this package that knows of RAS. NIfTI arrays run (i, j, k), ours (k, j, i).
"""

from __future__ import annotations

import numpy as np

from napari_medclf.domain.arrays import FloatArray

_FLIP_XY = np.diag([-1.0, -1.0, 1.0, 1.0])
_REVERSE = np.array([[0, 0, 1, 0], [0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1]], dtype=np.float64)


def lps_from_ras(affine_ras: FloatArray) -> FloatArray:
    """Turn an affine of (i, j, k) to RAS millimetres into one of (k, j, i) to LPS millimetres."""
    return np.asarray(_FLIP_XY @ affine_ras @ _REVERSE, dtype=np.float64)


def ras_from_lps(affine_lps: FloatArray) -> FloatArray:
    """Turn an affine of (k, j, i) to LPS millimetres into one of (i, j, k) to RAS millimetres."""
    return np.asarray(_FLIP_XY @ affine_lps @ _REVERSE, dtype=np.float64)
