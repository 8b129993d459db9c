"""What one DICOM file says about its image, without its samples."""

from __future__ import annotations

import hashlib
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from napari_medclf.domain.geometry import Vector3
from napari_medclf.io.dicom import tags
from napari_medclf.io.dicom.kinds import check_kind
from napari_medclf.io.dicom.layout import Pixels, check_inflated, is_at_pixels, read_layout
from napari_medclf.io.dicom.quiet import quiet
from napari_medclf.io.dicom.scale import Spacing, find_spacing
from napari_medclf.io.preflight import check_file, refusing

# What tells apart images that lie at one place, in the order in which it is tried.
_REPEAT_KEYS = (
    ("EchoNumbers", "echo"),
    ("EchoTime", "echo time"),
    ("TemporalPositionIdentifier", "time"),
    ("AcquisitionNumber", "acquisition"),
    ("DiffusionBValue", "b-value"),
    ("TriggerTime", "trigger time"),
    ("ImageType", "image type"),
)


@dataclass(frozen=True)
class Header:
    """One file's image.

    Parameters
    ----------
    position, row, column : (x, y, z) or None
        ImagePositionPatient and the two halves of ImageOrientationPatient, LPS.
    slope, intercept : float
        Stored samples to meaning; a modality LUT is told by `has_lut`.
    repeats : tuple of str
        Values that tell apart images at one place, as `_REPEAT_KEYS`.
    """

    path: Path
    sop_instance_uid: str
    series_uid: str
    series_number: str
    description: str
    modality: str
    patient_key: str
    frame_of_reference_uid: str
    pixels: Pixels
    spacing: Spacing | None
    position: Vector3 | None
    row: Vector3 | None
    column: Vector3 | None
    slice_step_mm: float | None
    slope: float
    intercept: float
    has_lut: bool
    is_rescaled: bool
    rescale_type: str
    window: tuple[float, float] | None
    repeats: tuple[str, ...]
    warnings: tuple[str, ...] = ()

    @property
    def series_key(self) -> str:
        """The series UID, or a stand-in made of what else tells series apart where it was blanked."""
        if self.series_uid:
            return self.series_uid
        rest = (self.series_number, self.description, self.modality, self.frame_of_reference_uid)
        return "no-uid-" + hashlib.sha256(repr(rest).encode()).hexdigest()[:12]

    @property
    def is_placed(self) -> bool:
        """Whether the file tells where in the patient its image lies."""
        return self.position is not None and self.row is not None and self.spacing is not None


def read_header(path: Path) -> Header:
    """Read everything but the samples.

    Raises
    ------
    ReadError
        If the file is damaged, is not an image, or is one of a kind that is not read.
    """
    size = check_file(path)
    with path.open("rb") as file, refusing(path, "has a damaged DICOM header", with_text=False), quiet():
        check_inflated(path, file)
        from pydicom import dcmread

        dataset = dcmread(file, stop_before_pixels=True, force=True)
        check_kind(path, dataset, has_pixels=is_at_pixels(dataset, file))
        return _build(path, dataset, read_layout(path, dataset, file, size))


def patient_key(patient_id: str) -> str:
    """Hash a patient's identifier after evening out case, blanks and Unicode forms; empty stays empty."""
    plain = unicodedata.normalize("NFC", patient_id).strip().casefold()
    return hashlib.sha256(plain.encode()).hexdigest() if plain else ""


def _build(path: Path, dataset: Any, pixels: Pixels) -> Header:
    notes = []
    if not getattr(dataset, "preamble", None):
        notes.append("It has no DICOM preamble; it was read as a bare data set.")
    if not tags.text(dataset, "SeriesInstanceUID"):
        notes.append("It has no series UID; files of one folder with the same description were taken for a series.")
    row, column = tags.orientation(path, dataset, notes)
    return Header(
        path=path,
        sop_instance_uid=tags.text(dataset, "SOPInstanceUID") or tags.meta_text(dataset, "MediaStorageSOPInstanceUID"),
        series_uid=tags.text(dataset, "SeriesInstanceUID"),
        series_number=tags.text(dataset, "SeriesNumber"),
        description=tags.text(dataset, "SeriesDescription"),
        modality=tags.text(dataset, "Modality"),
        patient_key=patient_key(tags.text(dataset, "PatientID")),
        frame_of_reference_uid=tags.text(dataset, "FrameOfReferenceUID"),
        pixels=pixels,
        spacing=find_spacing(path, dataset),
        position=tags.vector(path, dataset, "ImagePositionPatient"),
        row=row,
        column=column,
        slice_step_mm=tags.positive(dataset, "SpacingBetweenSlices") or tags.positive(dataset, "SliceThickness"),
        slope=tags.number(dataset, "RescaleSlope", 1.0),
        intercept=tags.number(dataset, "RescaleIntercept", 0.0),
        has_lut=bool(dataset.get("ModalityLUTSequence")),
        is_rescaled="RescaleSlope" in dataset,
        rescale_type=tags.text(dataset, "RescaleType"),
        window=tags.window(dataset),
        repeats=tuple(tags.text(dataset, keyword) for keyword, _ in _REPEAT_KEYS),
        warnings=tuple(notes),
    )


def repeat_names() -> tuple[str, ...]:
    """What the entries of `Header.repeats` are called."""
    return tuple(name for _, name in _REPEAT_KEYS)
