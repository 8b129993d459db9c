import numpy as np
import pytest

from napari_medclf.domain.errors import ReadError
from napari_medclf.io.read import read_image

LOSSLESS = ["1.2.2", "1.2.1.99", "1.2.4.90", "1.2.4.80", "1.2.4.70", "1.2.4.57", "1.2.1", "1.2", "1.2.5"]
LOSSY_MOST_HU = {"1.2.4.91": 5, "1.2.4.81": 1, "1.2.4.51": 36, "1.2.4.53": 36, "1.2.4.55": 36, "1.2.4.50": 64}


def encoded(shared_data, syntax):
    (path,) = (shared_data / "dicom_zoo" / "transfer_syntaxes_ct").glob(f"*_1.2.840.10008.{syntax}.dcm")
    return path


def original(shared_data):
    return read_image(shared_data / "dicom_zoo" / "transfer_syntaxes_ct" / "CTImage.dcm")


@pytest.mark.parametrize("syntax", LOSSLESS)
def test_lossless_encodings_give_identical_units(shared_data, syntax):
    image = read_image(encoded(shared_data, syntax))
    assert image.data.dtype == np.int16
    assert image.data.dtype.isnative
    assert np.array_equal(image.data, original(shared_data).data)
    assert image.geometry.same_grid(original(shared_data).geometry)


@pytest.mark.parametrize("syntax", LOSSY_MOST_HU)
def test_lossy_encodings_stay_within_their_known_error(shared_data, syntax):
    off = read_image(encoded(shared_data, syntax)).data - original(shared_data).data.astype(np.float64)
    assert np.abs(off).max() <= LOSSY_MOST_HU[syntax] + 0.5


def test_signed_15_bit_jpeg_ls_keeps_its_sign(shared_data):
    image = read_image(shared_data / "dicom_zoo" / "single_files" / "JLSL_16_15_1_1F.dcm")
    assert (image.data.min(), image.data.max()) == (-16384, 16383)


def test_damaged_samples_are_refused_without_the_decoders_prose(shared_data):
    with pytest.raises(ReadError, match=r"damaged samples \(JPEG Baseline") as caught:
        read_image(shared_data / "dicom_zoo" / "malformed" / "genFile.dcm")
    assert "0x" not in str(caught.value)
