import numpy as np
import pytest

from napari_medclf.io.dicom.pixels.ybr import spread_422, ybr_to_rgb


@pytest.mark.parametrize(
    ("ybr", "rgb"),
    [
        ([0, 128, 128], [0, 0, 0]),
        ([255, 128, 128], [255, 255, 255]),
        ([76, 85, 255], [254, 0, 0]),
        ([29, 255, 107], [0, 0, 254]),
    ],
)
def test_known_colours(ybr, rgb):
    found = ybr_to_rgb(np.array([[ybr]], np.uint8))
    assert found.dtype == np.uint8
    assert np.abs(found[0, 0].astype(int) - rgb).max() <= 1


def test_equals_pydicoms_conversion_within_rounding():
    from pydicom.pixels import convert_color_space

    samples = np.random.default_rng(0).integers(0, 256, (40, 30, 3), dtype=np.uint8)
    expected = convert_color_space(samples, "YBR_FULL", "RGB")
    assert np.abs(ybr_to_rgb(samples).astype(int) - expected).max() <= 1


def test_sixteen_bits_have_their_middle_at_half():
    gray = np.array([[40000, 32768, 32768]], np.uint16)
    assert ybr_to_rgb(gray, 16).tolist() == [[40000, 40000, 40000]]


def test_pairs_of_pixels_share_their_colour():
    stored = np.array([[[10, 20], [100, 200], [30, 40], [110, 210]]], np.uint8)  # Y1 Y2 B R, Y3 Y4 B R
    assert spread_422(stored)[0].tolist() == [[10, 100, 200], [20, 100, 200], [30, 110, 210], [40, 110, 210]]
