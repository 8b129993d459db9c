"""Where MONAI's ``Spacing`` puts the first voxel of the grid it makes."""

from __future__ import annotations

from itertools import product

import numpy as np

from napari_medclf.domain.arrays import FloatArray
from napari_medclf.domain.geometry import Shape3


def keeps_first_voxel(directions: FloatArray, shape: Shape3, spacing_mm: tuple[float, ...]) -> bool:
    """Tell whether first voxels coincide; else the middles of both grids do.

    Parameters
    ----------
    directions : (3, 3) float64
        Columns of the affine: from a voxel to the next along each axis, in mm.
    shape : (K, J, I)
        Voxels of the grid that is resampled.
    spacing_mm : (3,)
        Of the grid that is made.

    Notes
    -----
    As `monai.data.utils.zoom_affine` and `compute_shape_offset` of MONAI 1.6.1: axes are made orthogonal, and the
    first voxel is kept only if no corner of the volume then lies before it by more than 1e-8 of a voxel. Affines of
    oblique series are stored with seven digits (NIfTI) or as short texts (DICOM), so that their axes are orthogonal
    to 1e-7 or worse; then MONAI aligns index n / 2 of both grids instead. Up to half a voxel lies between the two,
    and a network's author had the same.
    """
    upper = np.linalg.cholesky(directions.T @ directions).T
    rotation = directions @ np.linalg.inv(upper)
    made = rotation @ np.diag(np.sign(np.diag(upper)) * np.asarray(spacing_mm))
    corners = np.array(list(product(*((0.0, n - 1.0) for n in shape)))).T
    return bool(np.allclose((np.linalg.solve(made, directions) @ corners).min(axis=1), 0.0))
