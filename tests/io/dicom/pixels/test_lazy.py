import numpy as np
import pytest

from napari_medclf.domain.errors import ReadError
from napari_medclf.io.dicom.header import read_headers
from napari_medclf.io.dicom.pixels.colour import read_colour
from napari_medclf.io.dicom.pixels.lazy import lazy_colour, lazy_gray
from napari_medclf.io.dicom.pixels.samples import read_gray
from napari_medclf.testing.phantoms import MARKED_HU, MARKED_VOXEL


def headers_of(folder):
    found = [header for path in folder.iterdir() for header in read_headers(path)]
    return sorted(found, key=lambda header: header.path.name.rsplit("-", 1)[-1].zfill(3))


def test_lazy_volume_has_the_values_of_the_eager_one(tmp_path, phantom, write_series):
    headers = headers_of(write_series(tmp_path / "ct", phantom))
    lazy = lazy_gray(headers)
    assert lazy.shape == phantom.data.shape
    assert lazy.chunks[0] == (1,) * len(headers)
    assert lazy.dtype == np.int16
    whole = lazy.compute()
    assert whole.dtype == lazy.dtype
    assert np.array_equal(whole, read_gray(headers, []))
    assert whole[MARKED_VOXEL] == MARKED_HU


def test_one_plane_is_read_without_the_others(tmp_path, phantom, write_series):
    headers = headers_of(write_series(tmp_path / "ct", phantom))
    lazy = lazy_gray(headers)
    for number, header in enumerate(headers):
        if number != MARKED_VOXEL[0]:
            header.path.unlink()
    assert lazy[MARKED_VOXEL].compute() == MARKED_HU
    with pytest.raises(ReadError, match="cannot be read"):
        lazy[MARKED_VOXEL[0] + 1].compute()


def test_promised_type_holds_what_any_stored_bits_can_mean(tmp_path, phantom, write_series):
    def widen(dataset, k):
        dataset.BitsStored, dataset.HighBit = 16, 15

    headers = headers_of(write_series(tmp_path / "ct", phantom, widen))
    lazy = lazy_gray(headers)
    assert lazy.dtype == np.int32
    assert np.array_equal(lazy.compute(), read_gray(headers, []))


def test_slices_with_their_own_scale_become_float(tmp_path, phantom, write_series):
    def scale(dataset, k):
        dataset.RescaleSlope, dataset.RescaleIntercept = 0.5 + k, 3

    headers = headers_of(write_series(tmp_path / "pt", phantom, scale))
    lazy = lazy_gray(headers)
    assert lazy.dtype == np.float32
    assert np.array_equal(lazy.compute(), read_gray(headers, []))


@pytest.mark.parametrize("name", ["single_files/eCT_Supplemental.dcm", "colour_and_us/godicom_I_000000.dcm"])
def test_frames_of_one_packed_file_are_lazy_too(shared_data, name):
    headers = read_headers(shared_data / "dicom_zoo" / name)
    whole = read_gray(headers, [])
    lazy = lazy_gray(headers)
    assert lazy.shape == whole.shape
    assert np.array_equal(lazy[1::4].compute(), whole[1::4])


def test_lazy_colour_equals_eager_colour(shared_data):
    headers = read_headers(shared_data / "dicom_zoo" / "colour_and_us" / "US1_J2KR.dcm")
    lazy = lazy_colour(headers)
    assert lazy.dtype == np.uint8
    assert np.array_equal(lazy.compute(), read_colour(headers))
