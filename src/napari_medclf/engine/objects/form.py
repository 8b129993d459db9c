"""Size and form of objects, in the patient's units."""

from __future__ import annotations

import numpy as np

from napari_medclf.domain.arrays import FloatArray, LabelArray
from napari_medclf.domain.geometry import Vector3
from napari_medclf.engine.objects.voxels import ObjectVoxels


def form_names(is_flat: bool) -> tuple[str, ...]:
    """Say what `form` counts, in its order."""
    n_axes = 2 if is_flat else 3
    axes = tuple(f"axis {number}" for number in range(1, n_axes + 1))
    ratios = tuple(f"axis ratio {number}" for number in range(2, n_axes + 1))
    return ("size", "diameter", *axes, *ratios, "surface", "roundness", "extent")


def form(objects: LabelArray, voxels: ObjectVoxels, spacing_mm: Vector3) -> FloatArray:
    """Describe size and form of objects.

    Parameters
    ----------
    objects : (K, J, I) integer
        Of one slice: areas and outlines; else volumes and surfaces.
    spacing_mm : (k, j, i)
        Pixels where the picture has no scale.

    Returns
    -------
    (N, len(form_names)) float64
        Size in mm2 or mm3; diameter of the circle or ball of that size; axes of the ellipsoid with the same second
        moments (4 standard deviations in a plane, sqrt(20) of them in space); surface as faces to anything else;
        roundness, the surface of the circle or ball of that size over the own; extent, the part of its box it fills.
    """
    is_flat = objects.shape[0] == 1
    spacing = np.asarray(spacing_mm, dtype=np.float64)
    used = slice(1, 3) if is_flat else slice(0, 3)
    size = voxels.n_vox * np.prod(spacing[used])
    diameter = 2 * np.sqrt(size / np.pi) if is_flat else np.cbrt(6 * size / np.pi)
    ideal = np.pi * diameter if is_flat else np.pi * diameter**2
    places = voxels.index[:, used] * spacing[used]
    axes = _axes(voxels, places)
    surface = _surface(objects, voxels, spacing, is_flat)
    ratios = axes[:, 1:] / np.maximum(axes[:, :1], 1e-9)
    extent = size / np.prod(_box(voxels, places) + spacing[used], axis=1)
    return np.column_stack([size, diameter, axes, ratios, surface, ideal / surface, extent])


def centres(voxels: ObjectVoxels) -> FloatArray:
    """Centre of mass (N, 3) of each object, as indices."""
    index = voxels.index
    return np.stack([voxels.mean(index[:, axis]) for axis in range(3)], 1)


def _axes(voxels: ObjectVoxels, places: FloatArray) -> FloatArray:
    n_axes = places.shape[1]
    middle = np.stack([voxels.mean(places[:, axis]) for axis in range(n_axes)], 1)
    off = places - middle[voxels.row]
    second = np.empty((len(voxels), n_axes, n_axes))
    for one in range(n_axes):
        for other in range(n_axes):
            second[:, one, other] = voxels.mean(off[:, one] * off[:, other])
    deviations = np.sqrt(np.maximum(np.linalg.eigvalsh(second)[:, ::-1], 0))
    return deviations * (4.0 if n_axes == 2 else np.sqrt(20))


def _box(voxels: ObjectVoxels, places: FloatArray) -> FloatArray:
    low = np.full((len(voxels), places.shape[1]), np.inf)
    high = -low
    np.minimum.at(low, voxels.row, places)
    np.maximum.at(high, voxels.row, places)
    return high - low


def _surface(objects: LabelArray, voxels: ObjectVoxels, spacing: FloatArray, is_flat: bool) -> FloatArray:
    total = np.zeros(len(voxels))
    padded = np.pad(objects, 1)
    for axis in (1, 2) if is_flat else (0, 1, 2):
        others = [one for one in ((1, 2) if is_flat else (0, 1, 2)) if one != axis]
        face = np.prod(spacing[others])
        first = np.take(padded, range(padded.shape[axis] - 1), axis)
        second = np.take(padded, range(1, padded.shape[axis]), axis)
        for mine in (first[first != second], second[first != second]):
            rows = np.searchsorted(voxels.numbers, mine[mine > 0])
            total += face * np.bincount(rows, minlength=len(voxels))
    return total
