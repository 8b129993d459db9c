"""Every real DICOM file is read, or refused in one sentence; none crashes, hangs or is read over silently."""

from __future__ import annotations

import time

import numpy as np
import pytest

from napari_medclf.domain.derived import LabelOrigin
from napari_medclf.domain.image import MedImage
from napari_medclf.io.read import discover, read, read_entry

LONGEST_S = 10
# They name many files, each of which is a thing or a reason of its own.
_DIRECTORIES = ("DICOMDIR", "DIRFILE")
# Files that must be read, counted over all 323 DICOM-like files; it falls when a reader loses something.
FEWEST_READ = 250


@pytest.fixture(scope="module")
def reports(shared_data):
    files = sorted(path for path in (shared_data / "dicom_zoo").rglob("*") if path.is_file())
    found = {}
    for path in files:
        start = time.monotonic()
        found[path] = (read([path]), time.monotonic() - start)
    return found


def test_each_file_is_one_thing_or_one_reason(reports):
    for path, (report, _) in reports.items():
        labels = [one for one in report.label_sets if one.origin is not LabelOrigin.OVERLAY]
        n_things = len(report.images) + len(report.refusals) + len(labels) + len(report.reports)
        assert n_things == 1 or (path.name in _DIRECTORIES and n_things > 0), path


def test_each_refusal_is_one_line_that_names_its_file(reports):
    for path, (report, _) in reports.items():
        for refusal in report.refusals:
            assert refusal.path == path or path.name in _DIRECTORIES
            assert refusal.reason
            assert "\n" not in str(refusal)
            assert len(refusal.reason) < 250


def test_no_file_takes_long(reports):
    slow = {path.name: seconds for path, (_, seconds) in reports.items() if seconds > LONGEST_S}
    assert slow == {}


def test_most_files_are_read_and_their_samples_are_sound(reports):
    images = [image for report, _ in reports.values() for image in report.images]
    assert len(images) >= FEWEST_READ
    for image in images:
        assert image.data.dtype.isnative
        assert image.data.flags.c_contiguous
        assert np.isfinite(image.geometry.affine).all()
        assert image.data.min() <= image.data.max()


def test_no_message_holds_the_patients_name(reports):
    import pydicom

    for path, (report, _) in reports.items():
        if path.suffix in (".nrrd", ".md", ".csv", ".txt"):
            continue
        try:
            name = str(pydicom.dcmread(path, stop_before_pixels=True, force=True).get("PatientName", ""))
        except Exception:
            continue
        shown = [str(one) for one in report.refusals] + [image.name for image in report.images] + list(report.warnings)
        words = [word for word in name.replace("^", " ").split() if len(word) > 5 and word not in str(path)]
        assert not [text for text in shown for word in words if word in text.replace(str(path), "")]


@pytest.mark.parametrize("folder", ["transfer_syntaxes_ct", "series", "single_files"])
def test_everything_that_is_listed_opens_by_its_name(shared_data, folder):
    listing = discover(shared_data / "dicom_zoo" / folder)
    refs = [*listing.found, *(way for entry in listing.entries for way in entry.ways)]
    for ref in refs:
        assert isinstance(read_entry(ref), MedImage), ref
    assert refs
