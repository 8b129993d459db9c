"""One file that has arrived: which study it belongs to, and what it tells of how many others there should be."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from napari_medclf.domain.errors import ReadError
from napari_medclf.io.dicom import tags
from napari_medclf.io.dicom.keys import study_key
from napari_medclf.io.dicom.quiet import quiet
from napari_medclf.io.preflight import refusing
from napari_medclf.io.sniff import Kind, suffix_of
from napari_medclf.io.walk import identify

STUDY_LENGTH = 16
"""Digits of the hash that names a study."""
_KEYWORDS = (
    "StudyInstanceUID",
    "SeriesInstanceUID",
    "SOPInstanceUID",
    "InstanceNumber",
    "AcquisitionNumber",
    "ImagesInAcquisition",
    "NumberOfSeriesRelatedInstances",
)


@dataclass(frozen=True, slots=True)
class FileNote:
    """A file that has arrived.

    Parameters
    ----------
    unit : str
        What it is run together with, as a hash: of DICOM the study UID's, of other files that of the place without
        the suffix, so that a header and its samples stay together.
    series, sop : str
        Their UIDs, of DICOM files.
    number : int or None
        InstanceNumber.
    acquisition : str
        AcquisitionNumber, to which `n_in_acquisition` belongs.
    n_in_acquisition, n_in_series : int
        How many images there should be (ImagesInAcquisition, NumberOfSeriesRelatedInstances); 0 where it does not tell.
    """

    path: Path
    unit: str
    series: str = ""
    sop: str = ""
    number: int | None = None
    acquisition: str = ""
    n_in_acquisition: int = 0
    n_in_series: int = 0


def note_file(path: Path) -> FileNote:
    """Look at a file; one that cannot be read (yet) is noted by its place."""
    try:
        if identify(path) is Kind.DICOM:
            return _note_dicom(path) or FileNote(path, _hash(str(path)))
    except ReadError:
        pass
    return FileNote(path, _hash(str(path)[: len(str(path)) - len(suffix_of(path))]))


def _note_dicom(path: Path) -> FileNote | None:
    with refusing(path, "has a damaged DICOM header", with_text=False), quiet():
        from pydicom import dcmread

        dataset = dcmread(path, stop_before_pixels=True, force=True, specific_tags=list(_KEYWORDS))
        study, series, sop, number, acquisition, in_acquisition, in_series = (
            tags.text(dataset, keyword) for keyword in _KEYWORDS
        )
    if not study:
        return None
    return FileNote(
        path,
        study_key(study, STUDY_LENGTH),
        series,
        sop,
        int(number) if number.lstrip("+-").isdecimal() else None,
        acquisition,
        _count(in_acquisition),
        _count(in_series),
    )


def _hash(place: str) -> str:
    return hashlib.sha256(place.encode(errors="surrogateescape")).hexdigest()[:STUDY_LENGTH]


def _count(text: str) -> int:
    return int(text) if text.isdecimal() else 0
