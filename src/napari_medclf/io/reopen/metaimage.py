"""Open a MetaImage file with attached samples, line by line."""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np

from napari_medclf.io.reopen.found import Found, ReopenError

_DTYPES = {
    "MET_CHAR": "i1", "MET_UCHAR": "u1", "MET_SHORT": "i2", "MET_USHORT": "u2", "MET_INT": "i4", "MET_UINT": "u4",
    "MET_LONG_LONG": "i8", "MET_ULONG_LONG": "u8", "MET_FLOAT": "f4", "MET_DOUBLE": "f8",
}  # fmt: skip
_LAST = b"ElementDataFile = LOCAL\n"


def reopen(path: Path) -> Found:
    """Read samples and place of what `write_metaimage` writes.

    Raises
    ------
    ReopenError
        If the samples are fewer or more than declared.
    """
    head, mark, packed = path.read_bytes().partition(_LAST)
    if not mark:
        raise ReopenError("it has no MetaImage header")
    fields = dict(line.split(" = ", 1) for line in head.decode("ascii").strip("\n").split("\n"))
    sizes = [int(n) for n in fields["DimSize"].split(" ")]
    n_channels = int(fields.get("ElementNumberOfChannels", "1"))
    dtype = np.dtype("<" + _DTYPES[fields["ElementType"]])
    content = zlib.decompress(packed)
    if len(packed) != int(fields["CompressedDataSize"]):
        raise ReopenError(f"it holds {len(packed)} packed bytes, and declares {fields['CompressedDataSize']}")
    if len(content) != int(np.prod(sizes)) * n_channels * dtype.itemsize:
        raise ReopenError(f"it holds {len(content)} bytes of samples, and declares {sizes} of {dtype}")
    data = np.frombuffer(content, dtype).reshape([*sizes[::-1], n_channels])
    data = data[..., 0] if n_channels == 1 else np.moveaxis(data, -1, 0)
    n_axes = len(sizes)
    rows = np.array([float(one) for one in fields["TransformMatrix"].split(" ")]).reshape(n_axes, n_axes)
    steps = [float(one) for one in fields["ElementSpacing"].split(" ")]
    origin = [float(one) for one in fields["Offset"].split(" ")]
    # Row n of the matrix is where axis n points; times lie on a fourth axis.
    i_axis, j_axis, k_axis = (rows[axis, :3] * steps[axis] for axis in range(3))
    affine = np.vstack([np.stack([k_axis, j_axis, i_axis, origin[:3]], axis=1), [0, 0, 0, 1]])
    return Found(data, affine, (steps[2], steps[1], steps[0]))
