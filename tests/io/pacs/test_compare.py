"""A changed element is named, its value is not."""

from __future__ import annotations

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset

from napari_medclf.io.pacs.compare import explain_difference


def changed(path, folder, edit):
    dataset = dcmread(path)
    edit(dataset)
    dataset.save_as(folder / "changed.dcm")
    return folder / "changed.dcm"


def test_same_objects_differ_in_nothing(ct, tmp_path):
    assert explain_difference(ct[0], changed(ct[0], tmp_path, lambda dataset: None)) == ""


@pytest.mark.parametrize(
    ("edit", "name"),
    [
        (lambda dataset: setattr(dataset, "PatientID", "OTHER-1"), "PatientID"),
        (lambda dataset: delattr(dataset, "WindowCenter"), "WindowCenter"),
        (lambda dataset: setattr(dataset, "PixelData", dataset.PixelData[:-2] + b"\1\1"), "PixelData"),
        (lambda dataset: setattr(dataset, "StudyID", "7"), "StudyID"),
    ],
)
def test_planted_change_is_named_without_its_value(ct, tmp_path, edit, name):
    sentence = explain_difference(ct[0], changed(ct[0], tmp_path, edit))
    assert name in sentence
    assert "OTHER-1" not in sentence


def with_item(value):
    def edit(dataset):
        item = Dataset()
        item.CodeValue = value
        dataset.ProcedureCodeSequence = [item]

    return edit


def test_change_inside_a_sequence_is_named(ct, tmp_path):
    (tmp_path / "a").mkdir()
    first = changed(ct[0], tmp_path / "a", with_item("1"))
    assert explain_difference(first, changed(ct[0], tmp_path, with_item("1"))) == ""
    assert "ProcedureCodeSequence" in explain_difference(first, changed(ct[0], tmp_path, with_item("2")))


def test_padding_is_no_difference(ct, tmp_path):
    padded = tmp_path / "padded.dcm"
    content = ct[0].read_bytes()
    assert content.count(b"LO\x0a\x00Thorax 3.5") == 1
    padded.write_bytes(content.replace(b"LO\x0a\x00Thorax 3.5", b"LO\x0c\x00Thorax 3.5  "))
    assert explain_difference(ct[0], padded) == ""


def test_other_packing_is_told(ct, tmp_path):
    dataset = dcmread(ct[0])
    dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2"
    dataset.save_as(tmp_path / "implicit.dcm", implicit_vr=True, little_endian=True)
    assert "another transfer syntax" in explain_difference(ct[0], tmp_path / "implicit.dcm")
