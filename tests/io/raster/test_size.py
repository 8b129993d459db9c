"""The size of a picture is told from its first bytes, as Pillow tells it from the whole."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from napari_medclf.io.raster.size import picture_size
from napari_medclf.io.sniff import Kind


@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize(
    ("kind", "saved", "more"),
    [
        (Kind.PNG, "PNG", {}),
        (Kind.BMP, "BMP", {}),
        (Kind.JPEG, "JPEG", {}),
        (Kind.JPEG, "JPEG", {"progressive": True, "comment": b"x" * 5000}),
        (Kind.JPEG, "JPEG", {"exif": b"Exif\0\0" + bytes(300)}),
    ],
)
def test_sizes_are_those_of_the_picture(tmp_path, mode, kind, saved, more):
    path = tmp_path / "picture"
    Image.new(mode, (37, 21)).save(path, format=saved, **more)

    assert picture_size(path, kind) == (1, 21, 37)


def test_cut_and_odd_heads_tell_nothing(tmp_path):
    whole = BytesIO()
    Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8)).save(whole, format="JPEG")
    path = tmp_path / "picture"
    for content in (whole.getvalue()[:40], whole.getvalue()[:2] + b"\0\0" * 20, b"\xff\xd8" + b"\xff" * 100):
        path.write_bytes(content)
        assert picture_size(path, Kind.JPEG) is None
    path.write_bytes(b"\x89PNG\r\n\x1a\n")
    assert picture_size(path, Kind.PNG) is None
    assert picture_size(path, Kind.TIFF) is None


def test_real_pictures_have_their_sizes(shared_data):
    for path in (*(shared_data / "retina_chase_db1").glob("*.jpg"), *(shared_data / "bccd_multilabel").rglob("*.jpg")):
        with Image.open(path) as picture:
            assert picture_size(path, Kind.JPEG) == (1, picture.height, picture.width)
