import numpy as np
import pydicom
import pytest

from napari_medclf.domain.errors import ReadError
from napari_medclf.domain.geometry import Unit
from napari_medclf.domain.image import ChannelKind, Scale
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


def test_colour_film_is_refused_with_its_number_of_frames(zoo):
    with pytest.raises(ReadError, match="film of 10 colour frames"):
        read_image(zoo / "colour_and_us" / "godicom_I_000009.dcm")
