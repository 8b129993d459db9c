import numpy as np
import pytest
import tifffile

from napari_medclf.domain.errors import ReadError
from napari_medclf.io.raster.tiff import read_tiff

GRAY = np.arange(20 * 28, dtype=np.uint8).reshape(20, 28)
COLOUR = np.stack([GRAY, GRAY[::-1], 255 - GRAY, GRAY // 2], -1)


@pytest.mark.parametrize(
    ("stored", "bright"),
    [
        (GRAY, 255 - GRAY),
        (GRAY > 100, np.where(GRAY > 100, 0, 255)),
        (GRAY.astype(np.uint16), 65535 - GRAY.astype(int)),
    ],
)
def test_samples_whose_lowest_is_white_are_turned_round_with_a_word(tmp_path, stored, bright):
    tifffile.imwrite(tmp_path / "a.tif", stored, photometric="miniswhite")
    image = read_tiff(tmp_path / "a.tif")
    assert np.array_equal(image.data[0], bright)
    assert any("WhiteIsZero" in one for one in image.warnings)


def test_orientation_is_told_and_samples_stay_as_stored(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", GRAY, extratags=[(274, "H", 1, 6, True)])
    image = read_tiff(tmp_path / "a.tif")
    assert np.array_equal(image.data[0], GRAY)
    assert any("orientation tag" in one and "(6)" in one for one in image.warnings)


@pytest.mark.parametrize("name", ["CMYK", "L[*]a[*]b", "YCbCr"])
def test_colours_other_than_rgb_are_refused_by_name(tmp_path, name):
    from PIL import Image

    if name == "CMYK":
        tifffile.imwrite(tmp_path / "a.tif", COLOUR, photometric="separated")
    else:
        Image.fromarray(COLOUR[..., :3]).convert("YCbCr" if name == "YCbCr" else "LAB").save(tmp_path / "a.tif")
    with pytest.raises(ReadError, match=name):
        read_tiff(tmp_path / "a.tif")


def test_complex_numbers_are_refused(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", GRAY.astype(np.complex64))
    with pytest.raises(ReadError, match="complex"):
        read_tiff(tmp_path / "a.tif")


@pytest.mark.parametrize(
    ("declared", "word"), [(b'SizeZ="5"', "2 of its 5 pages are missing"), (b'SizeZ="2"', "leaves out 1")]
)
def test_pages_that_ome_names_and_the_file_lacks_are_told(tmp_path, declared, word):
    path = tmp_path / "a.ome.tif"
    tifffile.imwrite(path, np.stack([GRAY, GRAY, GRAY]), metadata={"axes": "ZYX"}, photometric="minisblack")
    path.write_bytes(path.read_bytes().replace(b'SizeZ="3"', declared))
    assert any(word in one for one in read_tiff(path).warnings)
