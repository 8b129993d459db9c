"""Only whole DICOM files are sent, each object once."""

from __future__ import annotations

import os

import pytest
from pydicom import dcmread

from napari_medclf.io.pacs.outgoing import find_outgoing


def test_folder_gives_its_dicom_files_and_passes_over_the_rest(ct, tmp_path):
    (tmp_path / "in").mkdir()
    for path in ct[:3]:
        (tmp_path / "in" / path.name).write_bytes(path.read_bytes())
    (tmp_path / "in" / "notes.txt").write_text("not for the archive")
    os.mkfifo(tmp_path / "in" / "pipe")
    found, refused = find_outgoing([tmp_path / "in"])
    assert {one.row.sop_uid for one in found} == {dcmread(path).SOPInstanceUID for path in ct[:3]}
    assert refused == ()


def test_file_says_what_it_is(ct):
    (one,) = find_outgoing(ct[:1])[0]
    assert one.row.sop_class_uid == "1.2.840.10008.5.1.4.1.1.2"
    assert one.transfer_syntax_uid == "1.2.840.10008.1.2.1"
    assert (one.modality, one.n_bytes) == ("CT", ct[0].stat().st_size)


def test_same_object_is_sent_once(ct, tmp_path):
    (tmp_path / "copy.dcm").write_bytes(ct[0].read_bytes())
    found, refused = find_outgoing([ct[0], tmp_path / "copy.dcm"])
    assert len(found) == 1
    assert "is the same object as" in refused[0].reason


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda content: b"no DICOM at all", "no DICOM file"),
        (lambda content: content[132:], "no DICOM file"),
        (lambda content: content[:-200], "cut short"),
        (lambda content: content.replace(b"498.1.1\0", b"498.9.1\0", 1), "names another object"),
        (lambda content: b"", "is empty"),
    ],
)
def test_named_file_that_is_no_whole_object_is_refused(ct, tmp_path, spoil, reason):
    spoiled = tmp_path / "spoiled.dcm"
    spoiled.write_bytes(spoil(ct[0].read_bytes()))
    found, refused = find_outgoing([spoiled])
    assert found == ()
    assert reason in refused[0].reason
