import numpy as np
import pydicom
import pytest

from napari_medclf.domain.errors import ReadError
from napari_medclf.io.dicom.header import read_header
from napari_medclf.io.dicom.keys import patient_key


@pytest.fixture
def file(tmp_path, phantom, write_series):
    return next(write_series(tmp_path / "ct", phantom).glob("*-3"))


def resave(file, edit, **kwargs):
    dataset = pydicom.dcmread(file)
    edit(dataset)
    dataset.save_as(file, **kwargs)
    return file


def test_header_tells_place_scale_and_window(file, phantom):
    header = read_header(file)
    assert np.allclose(header.position, phantom.geometry.to_world(np.array([3, 0, 0])))
    assert (header.spacing.row_mm, header.spacing.column_mm) == pytest.approx((0.75, 0.5))
    assert header.window == (-160.0, 239.0)  # PS3.3 C.11.2.1.2.1
    assert (header.slope, header.intercept) == (1.0, -1024.0)
    assert header.pixels.length == 20 * 28 * 2
    assert header.slice_step_mm == pytest.approx(3.5)


def test_patient_is_a_hash_that_ignores_case_and_blanks(file):
    key = read_header(file).patient_key
    assert key == patient_key("MRN-0077")
    assert len(key) == 64
    assert "0077" not in key
    assert patient_key("  ") == ""


def test_bare_data_set_without_preamble_is_read_and_told(file):
    raw = file.read_bytes()
    length = int.from_bytes(raw[140:144], "little")
    file.write_bytes(raw[144 + length :])
    header = read_header(file)
    assert header.pixels.rows == 20
    assert "no DICOM preamble" in header.warnings[0]


def test_truncated_samples_tell_both_numbers(file):
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(ReadError, match="20 x 28 pixels take 1120 bytes, and 1020 are there"):
        read_header(file)


def test_more_rows_than_there_are_samples_is_truncated(file):
    def stretch(dataset):
        dataset.Rows = 60000

    with pytest.raises(ReadError, match="truncated"):
        read_header(resave(file, stretch))


@pytest.mark.parametrize(
    ("keyword", "value", "reason"),
    [
        ("PixelSpacing", [0, 0.5], "PixelSpacing"),
        ("PixelSpacing", [-1, 0.5], "PixelSpacing"),
        ("ImageOrientationPatient", [1, 0, 0, 1, 0, 0], "right-angled"),
        ("ImageOrientationPatient", [2, 0, 0, 0, 2, 0], "unit vectors"),
        ("ImageOrientationPatient", [1, 0, 0], "six finite"),
        ("ImageOrientationPatient", [1, 0, 0, 0.0012, 1, 0], "off by 0.0012"),
        ("ImageOrientationPatient", [1.0012, 0, 0, 0, 1, 0], "off by 0.0012"),
        ("ImagePositionPatient", [1, 0], "three finite"),
        ("BitsAllocated", 12, "bits a sample"),
        ("BitsStored", 40, "bits a sample"),
        ("Rows", 0, "declares no Rows"),
    ],
)
def test_geometry_that_cannot_be_is_refused(file, keyword, value, reason):
    with pytest.raises(ReadError, match=reason):
        read_header(resave(file, lambda dataset: setattr(dataset, keyword, value)))


def test_orientation_a_little_off_is_straightened_and_told(file):
    header = read_header(
        resave(file, lambda dataset: setattr(dataset, "ImageOrientationPatient", [1, 0, 0, 0.0008, 1, 0]))
    )
    assert np.linalg.norm(header.column) == pytest.approx(1)
    assert "right angle" in header.warnings[0]


def test_name_and_identifier_stay_out_of_every_message(file, recwarn, caplog):
    raw = file.read_bytes()
    assert b"0.75" in raw
    file.write_bytes(raw.replace(b"0.75", b"JANE"))
    with pytest.raises(ReadError) as caught:
        read_header(file)
    assert "JANE" not in str(caught.value)
    assert not [warning for warning in recwarn if "JANE" in str(warning.message)]
    assert "JANE" not in caplog.text


def set_text(dataset, keyword, content):
    from pydicom.datadict import dictionary_VR, tag_for_keyword
    from pydicom.dataelem import RawDataElement
    from pydicom.tag import Tag

    tag = Tag(tag_for_keyword(keyword))
    dataset[tag] = RawDataElement(tag, dictionary_VR(tag), len(content), content, 0, False, True)


@pytest.mark.parametrize(
    ("keyword", "content"),
    [
        ("ImagePositionPatient", b"10\\20\\3,5 "),
        ("ImagePositionPatient", b"\\\\"),
        ("PixelSpacing", b"3,0\\2,0 "),
        ("PixelSpacing", b"3x2 "),
        ("RescaleSlope", b"abc "),
        ("NumberOfFrames", b"abc "),
        ("WindowCenter", b"40,5"),
    ],
)
def test_element_that_is_no_number_is_named_without_its_text(file, keyword, content):
    resave(file, lambda dataset: set_text(dataset, keyword, content))
    with pytest.raises(ReadError, match=keyword) as caught:
        read_header(file)
    assert "abc" not in str(caught.value)


def test_two_slopes_are_refused(file):
    resave(file, lambda dataset: set_text(dataset, "RescaleSlope", b"2\\3 "))
    with pytest.raises(ReadError, match="2 numbers as RescaleSlope"):
        read_header(file)


@pytest.mark.parametrize("name", ["FOO", ""])
def test_unknown_photometric_interpretation_is_told(file, name):
    resave(file, lambda dataset: setattr(dataset, "PhotometricInterpretation", name))
    assert any("photometric interpretation" in one for one in read_header(file).warnings)
