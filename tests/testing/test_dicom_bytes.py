from __future__ import annotations

import numpy as np
import pydicom
import pytest

from napari_medclf.testing.coded_files import enhanced_dataset, slice_dataset, write_coded
from napari_medclf.testing.coded_series import CodedSeries, all_coded_series, stacked
from napari_medclf.testing.dicom_bytes import RawElement, Syntax, decimal, encode_file

OBLIQUE = next(one for one in all_coded_series() if one.name == "oblique")


@pytest.mark.parametrize("syntax", [Syntax.IMPLICIT_LITTLE, Syntax.EXPLICIT_LITTLE, Syntax.EXPLICIT_BIG])
def test_pydicom_reads_what_was_encoded(tmp_path, syntax):
    series = CodedSeries("one", OBLIQUE.planes, syntax=syntax, offset=-20)
    write_coded(series, tmp_path)
    dataset = pydicom.dcmread(tmp_path / "IM0003")
    assert dataset.file_meta.TransferSyntaxUID == syntax
    assert (dataset.Rows, dataset.Columns, dataset.PixelRepresentation) == (7, 5, 1)
    np.testing.assert_array_equal(dataset.pixel_array, series.stored(3))
    np.testing.assert_allclose(dataset.ImagePositionPatient, series.planes[3].corner, atol=1e-12)


def test_pydicom_reads_the_functional_groups_of_an_enhanced_object(tmp_path):
    series = CodedSeries("many", OBLIQUE.planes, is_enhanced=True, is_shuffled=True, slope=2.0)
    write_coded(series, tmp_path)
    dataset = pydicom.dcmread(tmp_path / "enhanced.dcm")
    second = dataset.PerFrameFunctionalGroupsSequence[1]
    np.testing.assert_allclose(second.PlanePositionSequence[0].ImagePositionPatient, series.planes[7].corner)
    np.testing.assert_array_equal(dataset.pixel_array[1], series.stored(7))
    shared = dataset.SharedFunctionalGroupsSequence[0]
    assert shared.PixelValueTransformationSequence[0].RescaleSlope == 2


def test_a_raw_element_may_lie_about_its_length():
    dataset = slice_dataset(OBLIQUE, 0) | {"PixelData": RawElement(0x7FE00010, "OW", b"\1\2", 40)}
    assert encode_file(dataset).endswith(b"OW\0\0" + (40).to_bytes(4, "little") + b"\1\2")


@pytest.mark.parametrize("value", [-123.456789012345678, 1e-17, -0.1234567890123456, 1e300, 0.0, 104.5, -1 / 3])
def test_decimals_take_16_characters_and_lose_next_to_nothing(value):
    text = decimal(value)
    assert len(text) <= 16
    assert float(text) == pytest.approx(value, rel=1e-9, abs=1e-16)


def test_true_places_follow_the_standards_formula():
    """PS3.3 C.7.6.2.1.1, written out for one voxel."""
    dataset = enhanced_dataset(CodedSeries("o", OBLIQUE.planes, is_enhanced=True))
    frame = dataset["PerFrameFunctionalGroupsSequence"][4]
    corner = np.array(frame["PlanePositionSequence"][0]["ImagePositionPatient"])
    directions = np.array(frame["PlaneOrientationSequence"][0]["ImageOrientationPatient"])
    down_mm, along_mm = 0.75, 0.6
    expected = corner + directions[:3] * along_mm * 2 + directions[3:] * down_mm * 6
    code = np.array(4 * 35 + 6 * 5 + 2)
    np.testing.assert_allclose(OBLIQUE.true_world(code), expected, atol=1e-9)


def test_no_two_slices_of_a_series_are_at_one_place():
    corners = {plane.corner for plane in stacked()}
    assert len(corners) == 9
