import struct
import zlib

import numpy as np
import pytest
import tifffile

from napari_medclf.domain.errors import ReadError
from napari_medclf.io.open_one import open_one
from napari_medclf.io.sniff import Kind


def _chunk(name, content):
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def test_a_palette_picture_without_a_palette_is_refused_in_one_sentence(tmp_path):
    header = _chunk(b"IHDR", struct.pack(">IIBBBBB", 4, 3, 8, 3, 0, 0, 0))
    rows = _chunk(b"IDAT", zlib.compress(bytes(3 * 5)))
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + header + rows + _chunk(b"IEND", b""))
    with pytest.raises(ReadError, match="a.png"):
        open_one(tmp_path / "a.png", Kind.PNG)


def test_a_scale_too_fine_for_a_grid_is_refused_in_one_sentence(tmp_path):
    metadata = {"axes": "ZYX"} | {f"PhysicalSize{axis}": 1 for axis in "XYZ"}
    metadata |= {f"PhysicalSize{axis}Unit": "nm" for axis in "XYZ"}
    tifffile.imwrite(tmp_path / "a.ome.tif", np.zeros((3, 20, 28), np.uint8), metadata=metadata)
    with pytest.raises(ReadError, match="a.ome.tif"):
        open_one(tmp_path / "a.ome.tif", Kind.TIFF)
