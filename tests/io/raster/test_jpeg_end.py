import io

import numpy as np
import pytest
from PIL import Image

from napari_medclf.domain.errors import ReadError
from napari_medclf.io.raster.picture import read_picture

NOISE = np.random.default_rng(1).integers(0, 256, (83, 61, 3), np.uint8)
WAYS = [{}, {"progressive": True}, {"restart_marker_rows": 2}, {"subsampling": 2}]


def packed(picture, **ways):
    out = io.BytesIO()
    Image.fromarray(picture).save(out, "JPEG", **ways)
    return out.getvalue()


@pytest.mark.parametrize("ways", WAYS)
@pytest.mark.parametrize("picture", [NOISE, NOISE[..., 0], np.zeros((83, 61), np.uint8)])
def test_whole_picture_is_read(tmp_path, picture, ways):
    (tmp_path / "a.jpg").write_bytes(packed(picture, **ways) + b"behind the end")
    assert read_picture(tmp_path / "a.jpg").data.shape[-2:] == (83, 61)


@pytest.mark.parametrize("ways", WAYS)
@pytest.mark.parametrize("share", [0.5, 0.75, 0.95])
def test_picture_that_was_cut_and_closed_is_refused(tmp_path, ways, share):
    raw = packed(NOISE, **ways)
    (tmp_path / "a.jpg").write_bytes(raw[: int(share * len(raw))] + b"\xff\xd9")
    with pytest.raises(ReadError, match="truncated|decoded"):
        read_picture(tmp_path / "a.jpg")


def test_end_marker_in_the_middle_is_refused(tmp_path):
    raw = bytearray(packed(NOISE))
    raw[len(raw) // 2 : len(raw) // 2 + 2] = b"\xff\xd9"
    (tmp_path / "a.jpg").write_bytes(raw)
    with pytest.raises(ReadError, match="truncated"):
        read_picture(tmp_path / "a.jpg")
