"""Open a NIfTI-1 or NIfTI-2 file by the standard's table of offsets."""

from __future__ import annotations

import gzip
import re
import struct
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_medclf.domain.arrays import FloatArray
from napari_medclf.io.reopen.found import Found, ReopenError

# nifti1.h and nifti2.h: where dim, datatype, pixdim, vox_offset, the form codes, the quaternion and the srows lie.
_ONE = {"dim": "40 8h", "type": "70 h", "pixdim": "76 8f", "start": "108 f", "codes": "252 2h", "quat": "256 6f",
        "srow": "280 12f"}  # fmt: skip
_TWO = {"dim": "16 8q", "type": "12 h", "pixdim": "104 8d", "start": "168 q", "codes": "344 2i", "quat": "352 6d",
        "srow": "400 12d"}  # fmt: skip
_DTYPES = {2: "u1", 4: "i2", 8: "i4", 16: "f4", 64: "f8", 128: "3u1", 256: "i1", 512: "u2", 768: "u4", 1024: "i8",
           1280: "u8"}  # fmt: skip
_RGB = 128
_SAME_MM = 1e-3
_HALF_TURN = 1e-7
_LABEL = re.compile(r'<Label Key="(\d+)"[^>]*><!\[CDATA\[(.*?)\]\]></Label>', re.DOTALL)


def reopen(path: Path) -> Found:
    """Read samples and place; the qform, where there is one, must say the same as the sform.

    Raises
    ------
    ReopenError
        If the header contradicts itself or the file ends early.
    """
    raw = path.read_bytes()
    if raw[:2] == b"\x1f\x8b":
        raw = gzip.decompress(raw)
    (size,) = struct.unpack_from("<i", raw)
    table = {348: _ONE, 540: _TWO}.get(size)
    if table is None:
        raise ReopenError(f"its header says it has {size} bytes")
    fields = {name: _unpack(raw, place) for name, place in table.items()}
    shape = fields["dim"][1 : 1 + int(fields["dim"][0])]
    start, code = int(fields["start"][0]), fields["type"][0]
    dtype = np.dtype(_DTYPES[code])
    n_bytes = int(np.prod(shape)) * dtype.itemsize
    if len(raw) != start + n_bytes:
        raise ReopenError(f"it holds {len(raw) - start} bytes of samples, and {n_bytes} were expected")
    samples = np.frombuffer(raw, dtype, offset=start).reshape(tuple(map(int, shape[::-1])) + dtype.shape)
    affine = _affine_lps(fields, shape)
    spacing = tuple(float(np.linalg.norm(affine[:3, axis])) for axis in range(3))
    names = {int(key): unescape(name) for key, name in _LABEL.findall(raw[size:start].decode("utf-8", "replace"))}
    return Found(_arranged(samples, code == _RGB), affine, (spacing[0], spacing[1], spacing[2]), names)


def _unpack(raw: bytes, place: str) -> tuple[Any, ...]:
    offset, code = place.split()
    return struct.unpack_from(f"<{code}", raw, int(offset))


def _arranged(samples: NDArray[Any], is_rgb: bool) -> NDArray[Any]:
    """(vector, t, k, j, i) to (k, j, i) or (C, k, j, i)."""
    if is_rgb:
        return np.moveaxis(samples, -1, 0)
    return samples[:, 0] if samples.ndim == 5 else samples


def _affine_lps(fields: dict[str, tuple[Any, ...]], shape: tuple[int, ...]) -> FloatArray:
    q_code, s_code = fields["codes"]
    if s_code < 1:
        raise ReopenError("it has no sform")
    s_rows = np.reshape(fields["srow"], (3, 4)).astype(np.float64)
    if q_code > 0:
        far = np.array([max(n - 1, 0) for n in shape[:3]] + [1.0])
        corners = (far, far * [1, 0, 0, 1], far * [0, 0, 0, 1])
        apart = max(float(np.abs((s_rows - _q_rows(fields)) @ corner).max()) for corner in corners)
        if apart > _SAME_MM:
            raise ReopenError(f"its sform and qform lie up to {apart:.4f} mm apart")
    # RAS to LPS turns x and y round; (i, j, k) to (k, j, i) turns the columns round.
    i_axis, j_axis, k_axis, origin = s_rows.T * [-1.0, -1.0, 1.0]
    return np.vstack([np.stack([k_axis, j_axis, i_axis, origin], axis=1), [0, 0, 0, 1]])


def _q_rows(fields: dict[str, tuple[Any, ...]]) -> FloatArray:
    b, c, d, x, y, z = fields["quat"]
    square = 1.0 - (b * b + c * c + d * d)
    if square < _HALF_TURN:  # nifti1_io.c: float32 noise, which a root would make three hundred times as large
        length = (b * b + c * c + d * d) ** 0.5
        a, b, c, d = 0.0, b / length, c / length, d / length
    else:
        a = square**0.5
    turn = np.array(
        [
            [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
            [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
            [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - b * b - c * c],
        ]
    )
    steps = np.array(fields["pixdim"][1:4], dtype=np.float64)
    steps[2] *= -1.0 if fields["pixdim"][0] < 0 else 1.0
    return np.column_stack([turn * steps, [x, y, z]])
