"""Say in one sentence how what was found in a file differs from what was to be written."""

from __future__ import annotations

from itertools import permutations

import numpy as np

from napari_medclf.domain.arrays import FloatArray, PixelArray
from napari_medclf.domain.geometry import Geometry, Unit
from napari_medclf.io.contents import Contents
from napari_medclf.io.reopen.found import Found

# A NIfTI header holds float32: 1e-4 mm at 1 m from the isocentre.
TOLERANCE_MM = 1e-3
_AXES = "kji"
_MOST_NAMED = 5
_MIRRORED = np.diag([-1.0, -1.0, 1.0, 1.0])


def explain(meant: Contents, found: Found, *, keeps_names: bool = False) -> str:
    """Compare dtype, shape, samples, place, scale and class names; empty where nothing differs.

    Names the axis that is flipped or shifted, or the slices that differ.
    """
    return (
        _explain_shape(meant.data, found.data)
        or _explain_samples(meant.data, found.data)
        or _explain_place(meant.geometry, found)
        or _explain_counts(meant, found)
        or (_explain_names(meant, found) if keeps_names else "")
    )


def _explain_shape(meant: PixelArray, found: PixelArray) -> str:
    if found.dtype.newbyteorder("=") != meant.dtype.newbyteorder("="):
        return f"its samples are {found.dtype}, and {meant.dtype} was written"
    if found.ndim == meant.ndim and found.shape[-3] != meant.shape[-3] and found.shape[-2:] == meant.shape[-2:]:
        return f"it holds {found.shape[-3]} slices, and {meant.shape[-3]} were written"
    return "" if found.shape == meant.shape else f"its shape is {found.shape}, and {meant.shape} was written"


def _explain_samples(meant: PixelArray, found: PixelArray) -> str:
    if _equal(meant, found):
        return ""
    for axis in range(3):
        if _equal(meant, np.flip(found, axis - 3)):
            return f"axis {_AXES[axis]} is flipped"
    for order in permutations(range(3)):
        whole = (*range(meant.ndim - 3), *(meant.ndim - 3 + one for one in order))
        if order != (0, 1, 2) and _equal(meant, np.transpose(found, whole)):
            return f"its axes (k, j, i) are stored as ({', '.join(_AXES[one] for one in order)})"
    slices = [k for k in range(meant.shape[-3]) if not _equal(meant[..., k, :, :], found[..., k, :, :])]
    named = ", ".join(map(str, slices[:_MOST_NAMED])) + (" ..." if len(slices) > _MOST_NAMED else "")
    n_voxels = meant.size - int(np.count_nonzero(_same_samples(meant, found)))
    voxels = f"{n_voxels} voxel{'s' if n_voxels > 1 else ''}"
    return f"slices {named} differ in {voxels}" if len(slices) > 1 else f"slice {named} differs in {voxels}"


def _explain_place(meant: Geometry, found: Found) -> str:
    if meant.unit is Unit.PIXEL:
        return ""
    if found.affine_lps is not None:
        return _explain_affine(meant.affine, found.affine_lps, meant.shape)
    if found.spacing_mm is not None and not np.allclose(found.spacing_mm, meant.spacing, rtol=1e-5):
        axis = int(np.argmax(np.abs(np.log(np.divide(found.spacing_mm, meant.spacing)))))
        return f"its spacing along {_AXES[axis]} is {found.spacing_mm[axis]:g} mm, not {meant.spacing[axis]:g} mm"
    return ""


def _explain_affine(meant: FloatArray, found: FloatArray, shape: tuple[int, int, int]) -> str:
    last = np.array(shape) - 1
    corners = np.array(np.meshgrid(*[(0, n) for n in last])).reshape(3, -1)
    difference = found - meant
    apart = np.linalg.norm(difference[:3, :3] @ corners + difference[:3, 3:], axis=0).max()
    if not np.isfinite(found).all() or apart <= TOLERANCE_MM:
        return "" if np.isfinite(found).all() else "its place is not finite"
    if np.allclose(_MIRRORED @ found, meant, atol=TOLERANCE_MM):
        return "x and y are mirrored: left-posterior and right-anterior are confused"
    for axis in range(3):
        if np.allclose(found[:3, axis], -meant[:3, axis], atol=1e-4):
            return f"axis {_AXES[axis]} points the other way"
        if not np.allclose(found[:3, axis], meant[:3, axis], atol=TOLERANCE_MM / max(last[axis], 1)):
            return f"axis {_AXES[axis]} has another direction or spacing; voxels lie up to {apart:.4f} mm off"
    shift = np.linalg.solve(meant[:3, :3], difference[:3, 3])
    axis = int(np.argmax(np.abs(shift)))
    return f"it lies {apart:.4f} mm off, by {shift[axis]:.3f} voxels along axis {_AXES[axis]}"


def _explain_counts(meant: Contents, found: Found) -> str:
    """Compare voxel count and centroid of every label, each worked out from its own file's grid."""
    if meant.schema is None or found.affine_lps is None or meant.geometry.unit is Unit.PIXEL:
        return ""
    values = np.unique(meant.data)
    for value in values[values > 0][:_MOST_NAMED].tolist():
        n_here, here = _count_and_centre(meant.data == value)
        n_there, there = _count_and_centre(found.data == value)
        if n_there != n_here:
            return f"label {value} has {n_there} voxels, and {n_here} were written"
        centre = found.affine_lps @ [*there, 1.0]
        apart = float(np.linalg.norm(centre[:3] - meant.geometry.to_world(here)))
        if apart > TOLERANCE_MM:
            return f"the centre of label {value} lies {apart:.4f} mm off"
    return ""


def _count_and_centre(mask: PixelArray) -> tuple[int, FloatArray]:
    """Number of voxels, and their mean index (k, j, i)."""
    rows = mask.sum(axis=2)
    sums = (rows.sum(axis=1), rows.sum(axis=0), mask.sum(axis=(0, 1)))
    count = int(sums[0].sum())
    return count, np.array([float(np.arange(len(one)) @ one) for one in sums]) / max(count, 1)


def _explain_names(meant: Contents, found: Found) -> str:
    if meant.schema is None:
        return ""
    wanted = {one.value: one.name for one in meant.schema.foreground}
    return "" if found.names == wanted else f"its class names are {dict(found.names)}, and {wanted} was written"


def _equal(one: PixelArray, other: PixelArray) -> bool:
    is_float = np.issubdtype(one.dtype, np.floating)
    return one.shape == other.shape and np.array_equal(one, other, equal_nan=is_float)


def _same_samples(one: PixelArray, other: PixelArray) -> PixelArray:
    same = one == other
    return same | ((one != one) & (other != other)) if np.issubdtype(one.dtype, np.floating) else same
