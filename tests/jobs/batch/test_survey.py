"""DICOM folders in rows: series, copies of them, labels, refused series, and which of a study was taken."""

import shutil
from pathlib import Path

import pytest

from napari_medclf.domain.run import SkipKind
from napari_medclf.domain.series_rule import Keep, SeriesRule
from napari_medclf.io.read import discover, read_image
from napari_medclf.jobs.batch.copies import find_copies
from napari_medclf.jobs.batch.survey import survey


@pytest.fixture
def write_series(shared_data):
    """Write slices of a small CT as a series of its own."""
    from pydicom import dcmread
    from pydicom.uid import UID

    files = (shared_data / "dicom_zoo" / "series" / "ct_small_torchio_17").rglob("*.dcm")
    slices = sorted(map(dcmread, files), key=lambda one: float(one.ImagePositionPatient[2]))

    def write(folder: Path, uid: str, places=range(4), **changes) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        for k in places:
            dataset = slices[k].copy()
            dataset.file_meta = slices[k].file_meta
            dataset.StudyInstanceUID, dataset.SeriesInstanceUID = UID("2.25.1"), UID(uid)
            dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = UID(f"{uid}.{k}")
            for name, value in changes.items():
                setattr(dataset, name, value)
            dataset.save_as(folder / f"{uid}.{k}.dcm")
        return folder

    return write


def _survey(folder, rule=SeriesRule(), **more):  # noqa: B008  (a frozen value)
    return survey(discover(folder), folder, rule, find_copies=find_copies, **more).rows


def test_a_listing_tells_what_rules_ask_for(write_series, tmp_path):
    folder = write_series(
        tmp_path / "ct", "2.25.7", BodyPartExamined="CHEST", SeriesDate="20260131", SeriesTime="101500.5"
    )

    (entry,) = discover(folder).entries

    assert (entry.modality, entry.body_part, entry.series_time) == ("CT", "CHEST", "20260131101500.5")
    assert entry.slice_mm == pytest.approx(entry.spacing_mm[0])
    assert set(entry.files) == set(folder.iterdir())


def test_a_copied_series_is_one_row_that_names_the_first(write_series, tmp_path):
    write_series(tmp_path / "a", "2.25.7")
    shutil.copytree(tmp_path / "a", tmp_path / "b")

    first, copy = _survey(tmp_path)

    assert first.is_to_run
    assert (copy.record.skipped_as, len(copy.files)) == (SkipKind.COPY, 4)
    assert copy.record.reason == "4 files: same image as a, by its SOP instance UIDs"
    assert copy.source.path == tmp_path / "b"


def test_a_series_with_a_missing_slice_keeps_its_files_and_its_reason(write_series, tmp_path):
    write_series(tmp_path / "a", "2.25.7", (0, 1, 3, 4))

    (row,) = _survey(tmp_path)

    assert row.record.skipped_as is SkipKind.REFUSED
    assert "missing slices: 1" in row.record.reason
    assert len(row.files) == 4


def test_of_a_study_the_newest_fitting_series_is_taken(write_series, tmp_path):
    write_series(tmp_path / "scout", "2.25.5", SeriesDate="20260201", SeriesDescription="Scout")
    write_series(tmp_path / "new", "2.25.6", SeriesDate="20260131", SeriesDescription="Thorax")
    write_series(tmp_path / "old", "2.25.7", SeriesDate="20250131", SeriesDescription="Thorax")

    rows = _survey(tmp_path, SeriesRule(not_description="scout", one_per_study=Keep.NEWEST))

    (taken,) = [row for row in rows if row.is_to_run]
    assert taken.source.path == tmp_path / "new"
    assert taken.record.reason == "the newest of 2 fitting images of its study"
    reasons = {row.source.path.name: row.record.reason for row in rows if not row.is_to_run}
    assert "(--not-description)" in reasons["scout"]
    assert "was taken, the newest (--one-per-study newest)" in reasons["old"]


def test_labels_and_reports_are_named_as_what_they_are(shared_data):
    rows = _survey(shared_data / "dicom_zoo" / "seg_sr_rt" / "dcmqi")

    reasons = {row.record.reason for row in rows if row.record.skipped_as is SkipKind.OTHER}
    assert {"holds labels (SEG), not an image", "holds a report (SR), not an image"} <= reasons


def test_every_file_of_a_real_mixture_is_in_a_row(shared_data):
    folder = shared_data / "dicom_zoo"

    rows = _survey(folder)

    told = {path for row in rows for path in row.files}
    assert [path for path in folder.rglob("*") if path.is_file() and path not in told] == []
    assert len({row.record.source for row in rows}) == len({row.record.case_id for row in rows}) == len(rows)


def test_a_series_is_read_from_its_own_files_alone(write_series, tmp_path, monkeypatch):
    write_series(tmp_path, "2.25.7")
    write_series(tmp_path, "2.25.8")
    row = _survey(tmp_path)[1]
    whole = read_image(row.source.path, row.source.member)
    (tmp_path / "new.dcm").write_bytes(b"what came since then is not looked at")
    monkeypatch.setattr("napari_medclf.io.read.collect", None)

    alone = read_image(row.source.path, row.source.member, row.files)

    assert (alone.data == whole.data).all()
    assert alone.source == whole.source
    assert alone.name == whole.name


def test_more_samples_than_memory_are_refused_before_reading(tmp_path):
    from PIL import Image

    Image.new("L", (30, 20)).save(tmp_path / "a.png")

    (row,) = _survey(tmp_path, most_bytes=599)
    assert "has 1 x 20 x 30 samples" in row.record.reason
    assert _survey(tmp_path, most_bytes=600)[0].is_to_run


def test_a_film_and_a_still_of_one_identifier_are_two_images(shared_data, tmp_path):
    for name in ("OBXXXX1A_rle.dcm", "OBXXXX1A_rle_2frame.dcm"):
        shutil.copy(shared_data / "dicom_zoo" / "colour_and_us" / name, tmp_path / name)

    assert [row.is_to_run for row in _survey(tmp_path)] == [True, True]
