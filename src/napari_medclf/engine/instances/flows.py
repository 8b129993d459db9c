"""Objects of a network that points from every voxel towards its object's centre (cellpose, Stringer 2021)."""

from __future__ import annotations

import numpy as np

from napari_medclf.domain.arrays import BoolArray, FloatArray, LabelArray

# A walk of this many voxels reaches the centre of an object of twice that size.
_N_STEPS = 200
# Fewer voxels than this ending at a place are no centre.
_FEWEST_AT_CENTRE = 3


def follow_flows(is_object: BoolArray, flows: FloatArray) -> LabelArray:
    """Number the voxels of a mask (*spatial) by the centre that their flow leads to.

    Parameters
    ----------
    flows : (D, *spatial) float
        One component an axis, in the order of the axes. Flows longer than a voxel are scaled down together.

    Notes
    -----
    Every voxel walks along the interpolated flow, stopping at the edges of the array. Places where walks end close
    together are a centre; a voxel whose walk ends elsewhere belongs to no object.
    """
    places = np.nonzero(is_object)
    labels = np.zeros(is_object.shape, dtype=np.int32)
    if len(places[0]):
        ends = _walk(np.stack(places).astype(np.float32), _at_most_a_voxel(flows, is_object))
        labels[places] = _number_ends(ends, is_object.shape)
    return labels


def _at_most_a_voxel(flows: FloatArray, is_object: BoolArray) -> FloatArray:
    lengths = np.sqrt((flows[:, is_object] ** 2).sum(axis=0))
    typical = float(np.percentile(lengths, 95))
    return np.asarray(flows * is_object / max(typical, 1.0), dtype=np.float32)


def _walk(places: FloatArray, flows: FloatArray) -> FloatArray:
    """Move places (D, n) along the flow, as the Euler method does; (D, n)."""
    from scipy.ndimage import map_coordinates

    last = np.array(flows.shape[1:], dtype=np.float32)[:, np.newaxis] - 1
    for _ in range(_N_STEPS):
        step = np.stack([map_coordinates(one, places, order=1, mode="nearest") for one in flows])
        places = np.clip(places + step, 0, last)
        if float(np.abs(step).max()) < 1e-3:
            break
    return places


def _number_ends(ends: FloatArray, shape: tuple[int, ...]) -> LabelArray:
    from scipy import ndimage

    voxels = tuple(np.rint(ends).astype(np.intp))
    counts = np.zeros(shape, dtype=np.int32)
    np.add.at(counts, voxels, 1)
    around = ndimage.uniform_filter(counts.astype(np.float32), 3, mode="constant") * 3 ** len(shape)
    is_centre = (around >= _FEWEST_AT_CENTRE - 0.5) & (counts > 0)
    is_centre = ndimage.binary_dilation(is_centre, np.ones((3,) * len(shape)))
    numbers, _ = ndimage.label(is_centre, structure=np.ones((3,) * len(shape)))
    return np.asarray(numbers[voxels])
