from dataclasses import replace

import numpy as np
import pytest

from napari_medclf.domain.errors import ReadError
from napari_medclf.io.dicom import header as header_module
from napari_medclf.io.dicom.header import read_headers
from napari_medclf.io.dicom.lean import read_lean


def by_pydicom(path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(header_module, "read_lean", lambda file: None)
        return outcome(path)


def outcome(path):
    """Give headers as comparable values, or the sentence."""
    try:
        headers = read_headers(path)
    except ReadError as error:
        return str(error)
    return tuple(replace(header, warnings=tuple(sorted(header.warnings))) for header in headers)


def test_every_real_file_has_the_same_header_by_both_parsers(shared_data, monkeypatch):
    files = sorted(path for path in (shared_data / "dicom_zoo").rglob("*") if path.is_file())
    n_lean = 0
    for path in files:
        assert outcome(path) == by_pydicom(path, monkeypatch), path
        with path.open("rb") as file:
            n_lean += read_lean(file) is not None
    assert n_lean > 100


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2", "1.2.840.10008.1.2.1"])
def test_plain_slices_need_no_library(tmp_path, phantom, write_series, syntax, monkeypatch):
    for path in write_series(tmp_path / "ct", phantom, syntax=syntax).iterdir():
        expected = by_pydicom(path, monkeypatch)
        with monkeypatch.context() as patch:
            patch.setattr("pydicom.dcmread", None)
            assert outcome(path) == expected


def sequence_of_undefined_length(dataset, k):
    from pydicom.dataset import Dataset
    from pydicom.sequence import Sequence

    inner, outer = Dataset(), Dataset()
    inner.CodeValue = "7"
    outer.PurposeOfReferenceCodeSequence = Sequence([inner])
    outer["PurposeOfReferenceCodeSequence"].is_undefined_length = True
    outer.is_undefined_length_sequence_item = True
    dataset.ReferencedImageSequence = Sequence([outer, outer])
    dataset["ReferencedImageSequence"].is_undefined_length = True


def test_sequences_of_undefined_length_are_stepped_over(tmp_path, phantom, write_series, monkeypatch):
    path = next(write_series(tmp_path / "ct", phantom, sequence_of_undefined_length).iterdir())
    with path.open("rb") as file:
        assert read_lean(file) is not None
    assert outcome(path) == by_pydicom(path, monkeypatch)


def test_header_longer_than_the_first_read_is_read_further(tmp_path, phantom, write_series, monkeypatch):
    def pad(dataset, k):
        dataset.add_new(0x00091010, "OB", b"\1" * 100_000)

    path = next(write_series(tmp_path / "ct", phantom, pad).iterdir())
    with path.open("rb") as file:
        assert read_lean(file) is not None
    assert outcome(path) == by_pydicom(path, monkeypatch)


def test_every_damaged_byte_is_judged_alike_or_refused(tmp_path, phantom, write_series, monkeypatch):
    path = next(write_series(tmp_path / "ct", phantom).iterdir())
    raw = path.read_bytes()
    random = np.random.default_rng(3)
    for position in random.integers(0, len(raw) - 20 * 28 * 2, 400):
        changed = bytearray(raw)
        changed[position] = random.integers(256)
        path.write_bytes(bytes(changed))
        assert outcome(path) == by_pydicom(path, monkeypatch), position
