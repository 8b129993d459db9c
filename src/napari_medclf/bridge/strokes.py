"""What napari tells of painting, as strokes on the image's own grid; and labels of a layer seen on that grid."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_medclf.bridge.orientation import DisplayFrame
from napari_medclf.domain.geometry import Shape3
from napari_medclf.domain.stroke import Stroke, StrokeKind

_KINDS = {"erase": StrokeKind.ERASE, "fill": StrokeKind.FILL}
_Change = tuple[NDArray[np.int64], NDArray[Any], NDArray[Any]]


def stroke_from_paint(
    atoms: Iterable[Any], data_shape: Sequence[int], frame: DisplayFrame, mode: str, author: str
) -> Stroke | None:
    """Turn the value of a layer's ``events.paint`` into a stroke.

    Parameters
    ----------
    atoms : iterable
        In the order they were made, on the grid of display: napari's ``(indices, before, after)``, or what napari 0.9
        has in its place for brushes, with ``slice_key``, ``mask``, ``old_values`` and ``new_value``.
    data_shape : sequence of int
        Of ``layer.data``.
    mode : str
        Of the layer, such as ``paint``, ``erase`` or ``fill``.

    Returns
    -------
    Stroke or None
        Each voxel once, ascending, with its value before the first and after the last atom; None where nothing changed.
    """
    changes = [_flat_change(atom, data_shape) for atom in atoms]
    if not sum(len(voxels) for voxels, _, _ in changes):
        return None
    shown, before, after = _merged(changes)
    voxels = to_source_voxels(shown, data_shape, frame)
    order = np.argsort(voxels, kind="stable")
    kind = _KINDS.get(mode, StrokeKind.PAINT)
    if kind is StrokeKind.PAINT and not after.any():
        kind = StrokeKind.ERASE  # painting with the background erases
    return Stroke(kind, voxels[order], before[order], after[order], author=author, at=now_ms())


def labels_on_grid(data: NDArray[Any], frame: DisplayFrame) -> NDArray[Any]:
    """View a layer's data as (K, J, I) on the image's grid; writing to the view paints on the layer."""
    return frame.from_display(data)


def source_shape(data_shape: Sequence[int], frame: DisplayFrame) -> Shape3:
    """The shape (K, J, I) behind a layer's data.

    >>> source_shape((5, 7), DisplayFrame((0, 1, 2), (False, False, False), is_flat=True))
    (1, 5, 7)
    """
    k, j, i = frame.from_display(np.broadcast_to(np.zeros((), np.uint8), tuple(data_shape))).shape
    return k, j, i


def to_source_voxels(shown: NDArray[np.int64], data_shape: Sequence[int], frame: DisplayFrame) -> NDArray[np.int64]:
    """Turn raveled C-order indices into a layer's data into those on the image's grid."""
    if frame.is_flat:
        return shown
    shape = source_shape(data_shape, frame)
    source: list[NDArray[np.int64]] = [shown] * 3
    for axis, places in enumerate(np.unravel_index(shown, tuple(data_shape))):
        flipped = data_shape[axis] - 1 - places if frame.flips[axis] else places
        source[frame.order[axis]] = flipped
    return np.ravel_multi_index((source[0], source[1], source[2]), shape).astype(np.int64)


def to_display_index(voxels: NDArray[np.int64], data_shape: Sequence[int], frame: DisplayFrame) -> tuple[Any, ...]:
    """Turn raveled C-order indices on the image's grid into a multi-index of a layer's data."""
    if frame.is_flat:
        return np.unravel_index(voxels, tuple(data_shape))
    source = np.unravel_index(voxels, source_shape(data_shape, frame))
    shown = []
    for axis, origin in enumerate(frame.order):
        places = source[origin]
        shown.append(data_shape[axis] - 1 - places if frame.flips[axis] else places)
    return tuple(shown)


def now_ms() -> str:
    """The time as strokes have it: UTC, ISO 8601, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _flat_change(atom: Any, data_shape: Sequence[int]) -> _Change:
    if hasattr(atom, "slice_key"):
        return _masked_change(atom, data_shape)
    indices, before, after = atom
    voxels = np.ravel_multi_index(np.broadcast_arrays(*indices), tuple(data_shape)).reshape(-1).astype(np.int64)
    return voxels, _spread(before, len(voxels)), _spread(after, len(voxels))


def _masked_change(atom: Any, data_shape: Sequence[int]) -> _Change:
    """Read an atom that names a box of the data, and which voxels of it changed (all where there is no mask)."""
    key = [part if isinstance(part, slice) else slice(int(part), int(part) + 1) for part in atom.slice_key]
    starts, sizes = [], []
    for part, size in zip(key, data_shape, strict=True):
        start, stop, _ = part.indices(size)
        starts.append(start)
        sizes.append(stop - start)
    before = np.asarray(atom.old_values).reshape(-1)
    inside = np.flatnonzero(np.ones(sizes, bool) if atom.mask is None else np.asarray(atom.mask).reshape(sizes))
    places = [one + start for one, start in zip(np.unravel_index(inside, tuple(sizes)), starts, strict=True)]
    voxels = np.ravel_multi_index(tuple(places), tuple(data_shape)).astype(np.int64)
    return voxels, before, _spread(atom.new_value, len(voxels))


def _spread(values: Any, count: int) -> NDArray[Any]:
    return np.broadcast_to(np.asarray(values).reshape(-1), (count,))


def _merged(changes: Sequence[_Change]) -> _Change:
    """Keep each voxel once: its first value before, and its last value after."""
    voxels = np.concatenate([one[0] for one in changes])
    before = np.concatenate([one[1] for one in changes])
    after = np.concatenate([one[2] for one in changes])
    if len(changes) == 1:
        return voxels, before, after
    unique, first = np.unique(voxels, return_index=True)
    _, last = np.unique(voxels[::-1], return_index=True)
    return unique, before[first], after[::-1][last]
