from dataclasses import replace

import numpy as np
import pytest

from napari_medclf.io.dicom.header import read_headers
from napari_medclf.io.dicom.pixels.thumbnail import thumbnail
from napari_medclf.io.dicom.series.mosaic import Tile


def headers_of(folder):
    found = [header for path in folder.iterdir() for header in read_headers(path)]
    return sorted(found, key=lambda header: header.path.name.rsplit("-", 1)[-1].zfill(3))


def test_long_pixels_make_a_long_picture(tmp_path, phantom, write_series):
    def stretch(dataset, k):
        dataset.PixelSpacing = [4.2, 1.0]  # 20 rows of 4.2 mm, 28 columns of 1 mm

    picture = thumbnail(headers_of(write_series(tmp_path / "ct", phantom, stretch)))
    assert picture.dtype == np.uint8
    assert picture.shape == (128, 43)


def test_middle_plane_is_drawn_in_its_window(tmp_path, phantom, write_series):
    middle = phantom.data.shape[0] // 2

    def mark(dataset, k):
        stored = np.zeros((20, 28), np.uint16)  # air: below the window
        if k == middle:
            stored[:10, :14] = 4000
            stored[10:, 14:] = 1064  # 40 HU: the window's centre
        dataset.PixelData = stored.tobytes()

    picture = thumbnail(headers_of(write_series(tmp_path / "ct", phantom, mark)))
    rows, columns = picture.shape
    assert picture[rows // 4, columns // 4] == 255
    assert picture[3 * rows // 4, 3 * columns // 4] == pytest.approx(127, abs=2)
    assert picture[rows // 4, 3 * columns // 4] == 0


@pytest.mark.parametrize(
    "name",
    [
        "single_files/RG3_J2KI.dcm",
        "single_files/eCT_Supplemental.dcm",
        "single_files/HTJ2K_08_RGB.dcm",
        "colour_and_us/gdcm-US-ALOKA-16.dcm",
        "colour_and_us/godicom_I_000000.dcm",
        "colour_and_us/godicom_I_000009.dcm",
        "colour_and_us/SC_rgb_16bit.dcm",
    ],
)
def test_real_images_are_neither_black_nor_white(shared_data, name):
    picture = thumbnail(read_headers(shared_data / "dicom_zoo" / name))
    assert max(picture.shape) == 128
    assert picture.ndim == 2
    assert np.ptp(picture.astype(int)) > 80


def test_slice_of_a_mosaic_is_drawn_alone(tmp_path, phantom, write_series):
    def mark(dataset, k):
        stored = np.full((20, 28), 4000, np.uint16)
        stored[10:, 14:] = 0  # the fourth of four tiles of 10 x 14 pixels
        dataset.PixelData = stored.tobytes()
        dataset.PixelSpacing = [2.0, 1.0]

    header = headers_of(write_series(tmp_path / "mr", phantom, mark))[0]
    pictures = [thumbnail([replace(header, tile=Tile(number, 2, 10, 14))]) for number in (2, 3)]
    assert [picture.shape for picture in pictures] == [(128, 90)] * 2
    assert [int(np.unique(picture).item()) for picture in pictures] == [255, 0]
