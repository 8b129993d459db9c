from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pydicom.data
import pytest

from napari_medclf.domain.errors import ReadError
from napari_medclf.domain.geometry import Unit
from napari_medclf.domain.image import ChannelKind, Scale
from napari_medclf.io.dicom.header import read_headers
from napari_medclf.io.dicom.pixels.colour import read_colour
from napari_medclf.io.read import read_image


@pytest.fixture
def zoo(shared_data):
    return shared_data / "dicom_zoo"


def write_rgb(folder, phantom, write_series, planar):
    rgb = np.zeros((20, 28, 3), np.uint8)
    rgb[..., 0] = np.arange(28)
    rgb[3, 4] = [10, 200, 30]

    def paint(dataset, k):
        if k != 3:
            return False
        dataset.SamplesPerPixel, dataset.PhotometricInterpretation, dataset.PlanarConfiguration = 3, "RGB", planar
        dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 8, 8, 7
        dataset.PixelData = (np.moveaxis(rgb, -1, 0) if planar else rgb).tobytes()
        return True

    return next(write_series(folder, phantom, paint).iterdir()), rgb


@pytest.mark.parametrize("planar", [0, 1])
def test_planes_and_pixels_interleaved_are_the_same_picture(tmp_path, phantom, write_series, planar):
    file, rgb = write_rgb(tmp_path / "sc", phantom, write_series, planar)
    image = read_image(file)
    assert image.channel_kind is ChannelKind.COLOUR
    assert image.channel_names == ("red", "green", "blue")
    assert image.data[:, 0, 3, 4].tolist() == [10, 200, 30]
    assert np.array_equal(image.data[0, 0], rgb[..., 0])
    assert image.scale is Scale.DISPLAY


def test_real_planar_and_interleaved_twins_are_equal(zoo):
    planes = read_image(zoo / "colour_and_us" / "color-pl.dcm")
    pixels = read_image(zoo / "colour_and_us" / "color-px.dcm")
    assert np.array_equal(planes.data, pixels.data)


def test_luminance_and_chrominance_become_rgb(zoo):
    image = read_image(zoo / "colour_and_us" / "SC_ybr_full_uncompressed.dcm")
    bars = image.data[:, 0, ::10, 50].T.tolist()
    assert [254, 0, 0] in bars or [255, 0, 0] in bars
    j2k = [read_image(zoo / "colour_and_us" / name).data.astype(int) for name in ("US1_J2KI.dcm", "US1_J2KR.dcm")]
    assert np.abs(j2k[0] - j2k[1]).mean() < 3


def test_palettes_of_8_and_16_bits_become_8_bit_colours(zoo):
    for name in ("OBXXXX1A_rle.dcm", "gdcm-US-ALOKA-16.dcm"):
        image = read_image(zoo / "colour_and_us" / name)
        assert image.data.dtype == np.uint8
        assert len(image.data) == 3
        assert image.data.max() > 200
    assert not np.array_equal(image.data[0], image.data[2])


def test_palette_picture_equals_pydicoms(zoo):
    from pydicom.pixels import apply_color_lut

    dataset = pydicom.dcmread(zoo / "colour_and_us" / "OBXXXX1A_rle.dcm")
    expected = apply_color_lut(dataset.pixel_array, dataset)
    expected = (expected >> 8).astype(np.uint8) if expected.dtype == np.uint16 else expected
    image = read_image(zoo / "colour_and_us" / "OBXXXX1A_rle.dcm")
    assert np.array_equal(np.moveaxis(image.data[:, 0], 0, -1), expected)


def test_ultrasound_region_gives_the_scale(zoo):
    image = read_image(zoo / "colour_and_us" / "US-YBR_FULL_422-EVRLE.dcm")
    assert image.geometry.unit is Unit.MILLIMETRE
    assert any("ultrasound region" in text for text in image.warnings)
    unscaled = read_image(zoo / "colour_and_us" / "US1_J2KR.dcm")
    assert unscaled.geometry.unit is Unit.PIXEL
    assert any("size of its pixels" in text for text in unscaled.warnings)


def test_stack_of_colour_slices_is_one_volume(zoo):
    image = read_image(zoo / "series" / "dicom2nifti_other" / "generic" / "rgb")
    assert image.data.shape == (3, 4, 77, 52)


def test_colour_film_has_time_before_colour(zoo):
    image = read_image(zoo / "colour_and_us" / "godicom_I_000009.dcm")
    assert image.channel_kind is ChannelKind.COLOUR_TIME
    assert image.data.shape == (10, 3, 1, 288, 384)
    expected = pydicom.dcmread(zoo / "colour_and_us" / "godicom_I_000009.dcm").pixel_array
    assert np.array_equal(np.moveaxis(image.data[:, :, 0], 1, -1), expected)


@pytest.mark.parametrize(
    ("name", "corner"),
    [
        ("SC_rgb_small_odd_big_endian.dcm", [166, 141, 52]),  # bytes swapped in big-endian words
        ("SC_rgb_jpeg_app14_dcmd.dcm", None),  # RGB by the header and by Adobe's mark
        ("SC_jpeg_no_color_transform.dcm", None),  # RGB by the header, three components without a mark
        ("SC_jpeg_no_color_transform_2.dcm", None),
        ("SC_rgb_dcmtk_+eb+cr.dcm", None),  # components called R, G, B
        ("SC_rgb_dcmtk_+eb+cy+n2.dcm", None),
        ("SC_ybr_full_422_uncompressed.dcm", None),
        ("SC_rgb_rle_16bit_2frame.dcm", None),
        ("SC_rgb_jls_lossy_line.dcm", None),
        ("GDCMJ2K_TextGBR.dcm", None),
        ("examples_ybr_color.dcm", None),
    ],
)
def test_colours_equal_those_of_pydicom(name, corner):
    path = Path(pydicom.data.get_testdata_file(name))
    rgb = np.moveaxis(read_colour(read_headers(path)), 0, -1)
    expected = pydicom.dcmread(path).pixel_array
    assert np.array_equal(rgb, expected.reshape(rgb.shape))
    if corner is not None:
        assert rgb[0, 0, 0].tolist() == corner


def test_colours_of_twelve_bits_reach_white(tmp_path, phantom, write_series):
    rgb = np.zeros((20, 28, 3), "<u2")
    rgb[3, 4] = [4095, 2048, 0xF001]  # and bits above the stored ones

    def paint(dataset, k):
        dataset.SamplesPerPixel, dataset.PhotometricInterpretation, dataset.PlanarConfiguration = 3, "RGB", 0
        dataset.PixelData = rgb.tobytes()
        return k == 3

    image = read_image(next(write_series(tmp_path / "sc", phantom, paint).iterdir()))
    assert image.data[:, 0, 3, 4].tolist() == [4095 * 16, 2048 * 16, 16]


def test_colour_spaces_that_are_not_read_are_named(tmp_path, phantom, write_series):
    path, _ = write_rgb(tmp_path / "sc", phantom, write_series, 0)
    for space, shown in (("HSV", "the colour space HSV"), ("SECRET JANE", "an unknown colour space")):
        (header,) = read_headers(path)
        odd = replace(header, pixels=replace(header.pixels, photometric=space))
        with pytest.raises(ReadError, match=f"has {shown}"):
            read_colour([odd])
