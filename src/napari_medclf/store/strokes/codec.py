"""A stroke as bytes: runs of voxels and of values, deflated where that pays."""

from __future__ import annotations

import json
import struct
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_medclf.domain.stroke import Stroke, StrokeKind

_LENGTH = struct.Struct("<BI")
_PLAIN, _DEFLATED = 0, 1
_SMALL_BYTES = 256


def encode(stroke: Stroke) -> bytes:
    """Write a stroke as bytes; a brush stroke of thousands of voxels takes some hundred.

    The voxels are put in ascending order, so `decode` returns the same set of changes, sorted.
    """
    voxels, before, after = _sorted(stroke)
    first, length = _runs(voxels)
    parts = (_deltas(first), length, *_repeats(before), *_repeats(after))
    small = [_smallest(part) for part in parts]
    about = {
        "kind": stroke.kind.value,
        "author": stroke.author,
        "at": stroke.at,
        "tool": stroke.tool,
        "parts": [[part.dtype.str, len(part)] for part in small],
    }
    header = json.dumps(about, separators=(",", ":")).encode()
    block = header + b"".join(part.tobytes() for part in small)
    if len(block) < _SMALL_BYTES:
        return _LENGTH.pack(_PLAIN, len(header)) + block
    return _LENGTH.pack(_DEFLATED, len(header)) + zlib.compress(block, 1)


def decode(body: bytes) -> Stroke:
    """Read what `encode` wrote."""
    how, n_header = _LENGTH.unpack_from(body)
    block = body[_LENGTH.size :]
    if how == _DEFLATED:
        block = zlib.decompress(block)
    about = json.loads(block[:n_header])
    first, length, before, n_before, after, n_after = _parts(block, n_header, about["parts"])
    return Stroke(
        StrokeKind(about["kind"]),
        _voxels(first, length),
        np.repeat(before, n_before.astype(np.int64)),
        np.repeat(after, n_after.astype(np.int64)),
        author=about["author"],
        at=about["at"],
        tool=about["tool"],
    )


def _sorted(stroke: Stroke) -> tuple[NDArray[np.int64], NDArray[Any], NDArray[Any]]:
    voxels = np.asarray(stroke.voxels, dtype=np.int64)
    before, after = np.asarray(stroke.before), np.asarray(stroke.after)
    if len(voxels) < 2 or bool(np.all(voxels[1:] > voxels[:-1])):
        return voxels, before, after
    order = np.argsort(voxels, kind="stable")
    return voxels[order], before[order], after[order]


def _runs(voxels: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Find first voxel and length of each run of neighbours in memory."""
    starts = _starts(voxels[1:] != voxels[:-1] + 1, len(voxels))
    return voxels[starts], _lengths(starts, len(voxels))


def _voxels(first_deltas: NDArray[Any], length: NDArray[Any]) -> NDArray[np.int64]:
    first, length = np.cumsum(first_deltas.astype(np.int64)), length.astype(np.int64)
    ends = np.cumsum(length)
    voxels: NDArray[np.int64] = np.arange(length.sum(), dtype=np.int64) + np.repeat(first - (ends - length), length)
    return voxels


def _deltas(values: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.concatenate((values[:1], values[1:] - values[:-1]))


def _repeats(values: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Find value and length of each run of equal values."""
    starts = _starts(values[1:] != values[:-1], len(values))
    return values[starts], _lengths(starts, len(values))


def _starts(is_new: NDArray[np.bool_], count: int) -> NDArray[np.int64]:
    """Where runs begin, of `count` values each of which but the first is new or not."""
    return np.concatenate((np.zeros(min(count, 1), np.int64), np.flatnonzero(is_new) + 1))


def _lengths(starts: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    ends = np.concatenate((starts[1:], np.full(min(count, 1), count, np.int64)))
    lengths: NDArray[np.int64] = ends - starts
    return lengths


def _smallest(values: NDArray[Any]) -> NDArray[Any]:
    """Take the smallest whole-number type, little-endian."""
    if len(values) == 0:
        return values.astype(np.uint8)
    least, most = int(values.min()), int(values.max())
    kind = np.min_scalar_type(most) if least >= 0 else np.dtype(np.int64)
    return values.astype(kind.newbyteorder("<"))


def _parts(block: bytes, start: int, shapes: list[list[Any]]) -> list[NDArray[Any]]:
    found = []
    for dtype, count in shapes:
        found.append(np.frombuffer(block, dtype=dtype, count=count, offset=start))
        start += count * np.dtype(dtype).itemsize
    return found
