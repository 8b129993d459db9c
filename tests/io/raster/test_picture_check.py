import struct

import pytest

from napari_medclf.io.raster.picture_check import _PASSES, _png_bytes

# ISO/IEC 15948, 8.2: the pass of each pixel of a block of 8 x 8.
ADAM7 = ["16462646", "77777777", "56565656", "77777777", "36463646", "77777777", "56565656", "77777777"]


@pytest.mark.parametrize("bits", [1, 8])
@pytest.mark.parametrize("size", [(1, 1), (5, 3), (8, 8), (17, 31), (2, 9)])
def test_bytes_of_an_interlaced_picture_are_those_of_its_passes(tmp_path, size, bits):
    columns, rows = size
    expected = 0
    for number in range(1, len(_PASSES) + 1):
        widths = [sum(ADAM7[j % 8][i % 8] == str(number) for i in range(columns)) for j in range(rows)]
        expected += sum(1 + -(-width * bits // 8) for width in widths if width)
    head = struct.pack(">2I5B", columns, rows, bits, 0, 0, 0, 1)
    assert _png_bytes(tmp_path, head) == (bits, expected)
