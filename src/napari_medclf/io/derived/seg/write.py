"""Labels to DICOM segmentations: encoded by highdicom, proved by reading back before the file takes its name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import numpy as np

from napari_medclf.domain.arrays import LabelArray
from napari_medclf.domain.authorship import Authorship
from napari_medclf.domain.errors import MedclfError, WriteError
from napari_medclf.domain.image import MedImage
from napari_medclf.domain.results import Segmentation
from napari_medclf.io.derived.acquired import to_acquired
from napari_medclf.io.derived.equipment import device_serial_number, device_uid
from napari_medclf.io.derived.patient_study import MANUFACTURER, RESEARCH_ONLY, begin_result, taken_over, version
from napari_medclf.io.derived.reference import items
from napari_medclf.io.derived.save_checked import save_checked
from napari_medclf.io.derived.seg.check import Meant, check_written
from napari_medclf.io.derived.seg.describe import PlannedSegment, describe_segments, plan_segments, renumber
from napari_medclf.io.derived.seg.source import SourceSlice, make_stand_ins, read_slices
from napari_medclf.io.derived.source_grid import SourceGrid
from napari_medclf.io.dicom import tags
from napari_medclf.io.dicom.quiet import quiet

Form = Literal["binary", "labelmap"]
_SERIES_NUMBER = 900
_MOST_DESCRIPTION = 64


def write_seg(
    segmentation: Segmentation, image: MedImage, authorship: Authorship, path: Path, *, form: Form = "binary"
) -> str:
    """Write labels as a DICOM segmentation that refers to the slices of its image, whole or not at all.

    Parameters
    ----------
    segmentation : Segmentation
        On the grid of the image. Where that has filled gaps, the planes of the acquired slices are written.
    image : MedImage
        Read from DICOM files that are still there.
    form : "binary" or "labelmap"
        Single bits, a frame a segment and slice, which every viewer knows; or one frame a slice with
        segment numbers (DICOM 2024, Supplement 243). Numbered objects are always a label map.

    Returns
    -------
    str
        SOP Instance UID of the segmentation; new each time.

    Raises
    ------
    WriteError
        If the image is not from DICOM, the labels are not on its grid or cannot be held, the disk does not
        take the file, or what was read back differs; an older file under that name is then untouched.

    Notes
    -----
    Segment numbers are the label values where these run 1, 2, 3 ...; see `segment_numbers`.
    """
    difference = image.geometry.explain_difference(segmentation.geometry)
    if difference:
        raise WriteError(f"{path}: the labels are not on the grid of {image.name}: {difference}.")
    slices, segments = read_slices(image), plan_segments(segmentation)
    acquired = renumber(to_acquired(segmentation.labels, image.source), segments)
    kind = "LABELMAP" if form == "labelmap" or segmentation.is_instances else "BINARY"
    with quiet(), _told_without_values(path, image.name):
        dataset = encode(acquired, slices, segments, authorship, kind, image.source.description)
    meant = Meant(acquired, SourceGrid.of_image(image), slices, segments)
    with _told_without_values(path, image.name):
        save_checked(dataset, Path(path), lambda written: check_written(Path(path), written, meant))
    return str(dataset.SOPInstanceUID)


@contextmanager
def _told_without_values(path: Path, name: str) -> Iterator[None]:
    """Name what a library complained of by its kind alone: its words may quote the header, which names a patient."""
    try:
        yield
    except (MedclfError, OSError):
        raise
    except Exception as error:  # libraries raise anything on odd headers
        raise WriteError(f"{path}: the header of {name} fits no segmentation ({type(error).__name__}).") from error


def encode(
    labels: LabelArray,
    slices: Sequence[SourceSlice],
    segments: Sequence[PlannedSegment],
    authorship: Authorship,
    kind: str,
    description: str = "",
) -> Any:
    """Build the data set.

    Parameters
    ----------
    labels : (N, J, I)
        Segment numbers on the acquired slices.
    kind : "BINARY" or "LABELMAP"
    """
    from highdicom.seg import Segmentation as Encoder
    from pydicom.uid import ExplicitVRLittleEndian

    title = f"{authorship.model or 'Segmentation'} {description}".strip()[:_MOST_DESCRIPTION]
    base = begin_result(slices[0].header, "", "SEG", title)
    dataset = Encoder(
        source_images=make_stand_ins(slices),
        pixel_array=labels if len(labels) > 1 or slices[0].is_placed else labels[0],
        segmentation_type=kind,
        segment_descriptions=describe_segments(segments, authorship),
        series_instance_uid=base.SeriesInstanceUID,
        series_number=_SERIES_NUMBER,
        sop_instance_uid=base.SOPInstanceUID,
        instance_number=1,
        manufacturer=MANUFACTURER,
        manufacturer_model_name=MANUFACTURER,
        software_versions=version(),
        device_serial_number=device_serial_number(),
        content_label="SEGMENTATION",
        content_description=RESEARCH_ONLY,
        content_creator_name=_person(authorship.author),
        transfer_syntax_uid=ExplicitVRLittleEndian,
        specific_character_set="ISO_IR 192",
        series_description=title,
    )
    _take_over(dataset, base)
    if not slices[0].is_placed:
        # General Image Module, PS3.3 C.7.6.1: there where no ImageOrientationPatient is, though it may be empty.
        dataset.PatientOrientation = slices[0].header.get("PatientOrientation") or ""
    _quote_sources(dataset, slices)
    return dataset


def _take_over(dataset: Any, base: Any) -> None:
    for keyword in taken_over():
        if keyword in base:
            setattr(dataset, keyword, base[keyword].value)
    dataset.DeviceUID = device_uid()


def _quote_sources(dataset: Any, slices: Sequence[SourceSlice]) -> None:
    """Write places as the source writes them, digit by digit, and name frames of multi-frame sources."""
    shared = dataset.SharedFunctionalGroupsSequence[0]
    if slices[0].is_placed:
        shared.PlaneOrientationSequence[0].ImageOrientationPatient = list(slices[0].orientation or ())
        if slices[0].spacing is not None:
            shared.PixelMeasuresSequence[0].PixelSpacing = list(slices[0].spacing)
    for group in dataset.PerFrameFunctionalGroupsSequence:
        one = slices[_slice_of(group, shared, slices)]
        for place in items(group, "PlanePositionSequence") or items(shared, "PlanePositionSequence"):
            place.ImagePositionPatient = list(one.position or ())
        for derivation in items(group, "DerivationImageSequence") or items(shared, "DerivationImageSequence"):
            _name(derivation.SourceImageSequence[0], one)
            if one.frame is not None:
                derivation.SourceImageSequence[0].ReferencedFrameNumber = one.frame
    dataset.SourceImageSequence = _name_all(dataset.SourceImageSequence, slices)
    series = dataset.ReferencedSeriesSequence[0]
    series.ReferencedInstanceSequence = _name_all(series.ReferencedInstanceSequence, slices)


def _name(reference: Any, one: SourceSlice) -> None:
    reference.ReferencedSOPClassUID, reference.ReferencedSOPInstanceUID = one.sop_class_uid, one.sop_instance_uid


def _name_all(references: Sequence[Any], slices: Sequence[SourceSlice]) -> list[Any]:
    """Name the source of every reference, an instance once though many of its frames were sources."""
    for reference, one in zip(references, slices, strict=True):
        _name(reference, one)
    return list({tags.text(item, "ReferencedSOPInstanceUID"): item for item in references}.values())


def _slice_of(group: Any, shared: Any, slices: Sequence[SourceSlice]) -> int:
    found = items(group, "PlanePositionSequence") or items(shared, "PlanePositionSequence")
    if not found or not slices[0].is_placed:
        return 0
    position = np.asarray(found[0].ImagePositionPatient, dtype=np.float64)
    places = np.array([[float(text) for text in one.position or ()] for one in slices])
    return int(np.argmin(np.linalg.norm(places - position, axis=1)))


def _person(author: str) -> str | None:
    """Make a pseudonym a person's name; characters that would divide it are blanks."""
    name = " ".join("".join(" " if one in "^=\\" or not one.isprintable() else one for one in author).split())
    return name[:_MOST_DESCRIPTION] or None
