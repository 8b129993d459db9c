from pathlib import Path

import pydicom
import pytest
from pydicom.data import get_testdata_file

from napari_medclf.domain.errors import ReadError
from napari_medclf.io.dicom.safe_tags import safe_tags


@pytest.fixture
def ct_with_a_name(tmp_path) -> Path:
    dataset = pydicom.dcmread(get_testdata_file("CT_small.dcm"))
    dataset.PatientName, dataset.PatientID, dataset.InstitutionName = "Doe^Jane", "4711", "St. Elsewhere"
    dataset.ImageComments = "Jane's scan"
    dataset.save_as(tmp_path / "ct.dcm")
    return tmp_path / "ct.dcm"


def test_tags_tell_how_an_image_was_made(ct_with_a_name) -> None:
    tags = dict(safe_tags(ct_with_a_name))
    assert tags["Modality"] == "CT"
    assert tags["Rows"] == "128"
    assert tags["TransferSyntax"] == "Explicit VR Little Endian"
    assert tags["SOPClassUID"] == "CT Image Storage"


def test_tags_name_nobody(ct_with_a_name) -> None:
    text = str(safe_tags(ct_with_a_name))
    assert not [word for word in ("Doe", "Jane", "4711", "Elsewhere") if word in text]


def test_a_header_that_cannot_be_read_is_a_sentence(tmp_path) -> None:
    with pytest.raises(ReadError, match=r"gone\.dcm"):
        safe_tags(tmp_path / "gone.dcm")
