"""Whether a JPEG's scan goes on to its last block; decoders fill what is missing with gray and say nothing."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_medclf.domain.errors import ReadError

_SCAN, _END = b"\xff\xda", b"\xff\xd9"
# No byte of it is a marker; long enough for several blocks of any picture.
FILLING = bytes(range(1, 200)) * 8
"""Put in front of an end marker, to see whether a decoder still waits for blocks."""


def check_jpeg_end(path: Path) -> None:
    """Refuse a JPEG that ends before its last block, though an end marker is there.

    Bytes put in front of the end marker change nothing where all blocks came before, and change the picture
    where the decoder still waits for some.

    Raises
    ------
    ReadError
        If the picture changes.
    """
    raw = path.read_bytes()
    end = raw.find(_END, raw.find(_SCAN))
    if end < 0:
        return
    try:
        is_whole = np.array_equal(_decode(raw), _decode(raw[:end] + FILLING + raw[end:]))
    except (OSError, ValueError, SyntaxError):
        return  # damage of another kind, which the reader tells
    if not is_whole:
        raise ReadError(path, "is truncated: its picture ends before its last line", "Fetch the file again.")


def _decode(raw: bytes) -> NDArray[Any]:
    """Decode at an eighth of the size, which spares most of the time; what comes in several scans at full size."""
    from PIL import Image

    with Image.open(BytesIO(raw), formats=("JPEG",)) as picture:
        if "progressive" not in picture.info:
            picture.draft(picture.mode, (max(picture.width // 8, 1), max(picture.height // 8, 1)))
        return np.asarray(picture)
