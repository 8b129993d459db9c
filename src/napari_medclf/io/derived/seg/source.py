"""The slices a segmentation is made for, as their own headers tell them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from napari_medclf.domain.errors import WriteError
from napari_medclf.domain.image import MedImage
from napari_medclf.io.derived.evidence import read_evidence
from napari_medclf.io.derived.reference import items
from napari_medclf.io.dicom import tags

_LONGEST_NUMBER = 16  # a DS
_TWO_DIRECTIONS = 6
_ROUNDING = 1e-5


@dataclass(frozen=True, eq=False)
class SourceSlice:
    """One acquired slice.

    Parameters
    ----------
    header : pydicom.Dataset
        Of its file.
    frame : int or None
        Its number in a multi-frame object, from 1.
    position, orientation : tuple of str or None
        As the header writes them, so that not a digit is lost; None for a picture without a place. Directions
        that are no unit vectors are made such, as they are when the image is read.
    spacing, thickness : tuple of str or None
    """

    header: Any
    frame: int | None
    position: tuple[str, ...] | None
    orientation: tuple[str, ...] | None
    spacing: tuple[str, ...] | None
    thickness: tuple[str, ...] | None

    @property
    def sop_instance_uid(self) -> str:
        """Which instance it is, or is part of."""
        return tags.text(self.header, "SOPInstanceUID")

    @property
    def sop_class_uid(self) -> str:
        """What kind of instance that is."""
        return tags.text(self.header, "SOPClassUID")

    @property
    def is_placed(self) -> bool:
        """Whether it tells where in the patient it lies."""
        return self.position is not None and self.orientation is not None


def read_slices(image: MedImage) -> tuple[SourceSlice, ...]:
    """Read the headers of the acquired slices of an image, in the order of axis k.

    Raises
    ------
    WriteError
        If its files are not DICOM, gone or changed, or are a film, or do not tell where all slices lie.
    """
    headers, numbers = read_evidence(image), image.source.frame_numbers
    if numbers:
        slices = tuple(_of_frame(image, headers[0], number) for number in numbers)
    else:
        slices = tuple(_of_file(header) for header in headers)
    n_frames = tags.number(headers[0], "NumberOfFrames", 1)
    if not numbers and n_frames > 1:
        raise WriteError(f"{image.name} is a film of {n_frames:.0f} frames; labels of a film are not written to DICOM.")
    if len(slices) > 1 and not all(one.is_placed for one in slices):
        raise WriteError(f"{image.name}: its files do not tell where in the patient its slices lie.")
    return slices


def make_stand_ins(slices: Sequence[SourceSlice]) -> list[Any]:
    """Make a minimal single-frame header a slice, for highdicom to take places from.

    Notes
    -----
    highdicom 0.28 refuses sources whose directions differ in the last digit or are a little too long, whose
    frames tell their own orientation, or whose patient data are odd; what it need not look at is left out here,
    and who the sources are is written afterwards.
    """
    from pydicom.dataset import Dataset
    from pydicom.uid import ComputedRadiographyImageStorage, CTImageStorage

    first, made = slices[0], []
    for number, one in enumerate(slices, start=1):
        stand_in = Dataset()
        for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "Modality"):
            setattr(stand_in, keyword, tags.text(first.header, keyword))
        stand_in.SOPClassUID = CTImageStorage if one.is_placed else ComputedRadiographyImageStorage
        stand_in.SOPInstanceUID = f"2.25.{number}"
        for keyword in ("PatientID", "PatientName", "PatientBirthDate", "PatientSex", "AccessionNumber", "StudyID"):
            setattr(stand_in, keyword, "")
        stand_in.StudyDate = stand_in.StudyTime = ""
        stand_in.Rows, stand_in.Columns = one.header.Rows, one.header.Columns
        if one.is_placed:
            stand_in.FrameOfReferenceUID = tags.text(first.header, "FrameOfReferenceUID")
            stand_in.ImagePositionPatient = list(one.position or ())
            stand_in.ImageOrientationPatient = list(first.orientation or ())
            stand_in.SliceThickness = (first.thickness or ("1",))[0]
        if first.spacing is not None:
            stand_in.PixelSpacing = list(first.spacing)
        made.append(stand_in)
    return made


def _of_file(header: Any) -> SourceSlice:
    return SourceSlice(
        header,
        None,
        _written(header, "ImagePositionPatient"),
        _directions(_written(header, "ImageOrientationPatient")),
        _written(header, "PixelSpacing"),
        _written(header, "SliceThickness"),
    )


def _of_frame(image: MedImage, header: Any, number: int) -> SourceSlice:
    groups = items(header, "PerFrameFunctionalGroupsSequence")
    if not 1 <= number <= len(groups):
        raise WriteError(f"{image.name}: its file describes no frame {number}. Open it again.")
    own, shared = groups[number - 1], next(iter(items(header, "SharedFunctionalGroupsSequence")), None)

    def find(sequence: str, keyword: str) -> tuple[str, ...] | None:
        found = items(own, sequence) or items(shared, sequence)
        return _written(found[0], keyword) if found else None

    return SourceSlice(
        header,
        number,
        find("PlanePositionSequence", "ImagePositionPatient"),
        _directions(find("PlaneOrientationSequence", "ImageOrientationPatient")),
        find("PixelMeasuresSequence", "PixelSpacing"),
        find("PixelMeasuresSequence", "SliceThickness"),
    )


def _directions(texts: tuple[str, ...] | None) -> tuple[str, ...] | None:
    """Stretch row and column direction to unit length where they are off by more than rounding."""
    from pydicom.valuerep import format_number_as_ds

    if texts is None or len(texts) != _TWO_DIRECTIONS:
        return None
    directions = np.array([float(text) for text in texts]).reshape(2, 3)
    lengths = np.linalg.norm(directions, axis=1, keepdims=True)
    if not lengths.all() or np.abs(lengths - 1).max() <= _ROUNDING:
        return texts
    return tuple(format_number_as_ds(float(value)) for value in (directions / lengths).ravel())


def _written(header: Any, keyword: str) -> tuple[str, ...] | None:
    """Numbers as the file writes them; those too long for the standard are rounded to what it allows."""
    from pydicom.valuerep import format_number_as_ds

    values = header.get(keyword)
    if values is None or values == "":
        return None
    listed = values if hasattr(values, "__iter__") and not isinstance(values, str) else [values]
    texts = [str(getattr(one, "original_string", one)).strip() for one in listed]
    return tuple(text if len(text) <= _LONGEST_NUMBER else format_number_as_ds(float(text)) for text in texts)
