"""Open an NRRD file with attached samples, line by line."""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np

from napari_medclf.io.reopen.found import Found, ReopenError

_DTYPES = {"int8": "i1", "uint8": "u1", "int16": "i2", "uint16": "u2", "int32": "i4", "uint32": "u4", "int64": "i8",
           "uint64": "u8", "float": "f4", "double": "f8"}  # fmt: skip


def reopen(path: Path) -> Found:
    """Read samples and place of what `write_nrrd` writes.

    Raises
    ------
    ReopenError
        If a field has not the one value it may have, or the samples are fewer or more than declared.
    """
    head, mark, packed = path.read_bytes().partition(b"\n\n")
    if not head.startswith(b"NRRD000") or not mark:
        raise ReopenError("it has no NRRD header")
    lines = [line for line in head.decode("utf-8").split("\n")[1:] if not line.startswith("#")]
    fields = dict(line.split(": ", 1) for line in lines if ": " in line and ":=" not in line.split(": ", 1)[0])
    values = dict(line.split(":=", 1) for line in lines if ":=" in line)
    if fields["encoding"] != "gzip" or fields["endian"] != "little":
        raise ReopenError(f"its samples are {fields['encoding']} and {fields['endian']}-endian")
    sizes = [int(n) for n in fields["sizes"].split(" ")]
    dtype = np.dtype("<" + _DTYPES[fields["type"]])
    content = zlib.decompress(packed, 31)
    if len(content) != int(np.prod(sizes)) * dtype.itemsize:
        raise ReopenError(f"it holds {len(content)} bytes of samples, and declares {sizes} of {dtype}")
    data = np.frombuffer(content, dtype).reshape(sizes[::-1])
    names = {
        int(values[f"Segment{n}_LabelValue"]): values[f"Segment{n}_Name"]
        for n in range(len(values))
        if f"Segment{n}_Name" in values
    }
    if "space" not in fields:
        return Found(data, names=names)
    if fields["space"] != "left-posterior-superior":
        raise ReopenError(f"it lies in the space {fields['space']}")
    i_axis, j_axis, k_axis = (
        np.array([float(one) for one in text[1:-1].split(",")])
        for text in fields["space directions"].split(" ")
        if text != "none"
    )
    origin = np.array([float(one) for one in fields["space origin"][1:-1].split(",")])
    affine = np.vstack([np.stack([k_axis, j_axis, i_axis, origin], axis=1), [0, 0, 0, 1]])
    k, j, i = (float(np.linalg.norm(axis)) for axis in (k_axis, j_axis, i_axis))
    return Found(data, affine, (k, j, i), names)
