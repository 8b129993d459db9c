"""What files say about images: labels, contours, and reports of scores and measurements."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from napari_medclf.domain.arrays import FloatArray
from napari_medclf.domain.image import Source
from napari_medclf.domain.labels import CodedConcept
from napari_medclf.domain.results import Scope, Segmentation


@dataclass(frozen=True)
class Reference:
    """Which images something was derived from; what is not known is empty.

    Parameters
    ----------
    sop_instance_uids : tuple of str
        Of the instances that are named, in the order of the file.
    """

    study_uid: str = ""
    series_uid: str = ""
    sop_instance_uids: tuple[str, ...] = ()
    frame_of_reference_uid: str = ""


class LabelOrigin(StrEnum):
    """Which kind of file labels came from."""

    SEG = "SEG"
    RTSTRUCT = "RTSTRUCT"
    OVERLAY = "overlay"
    """A bitmap inside an image file (DICOM PS3.3 C.9.2)."""
    FILE = "file"
    """A label image that names its classes, such as 3D Slicer's .seg.nrrd or NIfTI with a label table."""


@dataclass(frozen=True, eq=False)
class Contour:
    """One closed polygon, or an open line or point, of a region.

    Parameters
    ----------
    points : (N, 3)
        LPS millimetres (x, y, z).
    """

    points: FloatArray
    is_closed: bool = True
    sop_instance_uid: str = ""


@dataclass(frozen=True, eq=False)
class Region:
    """A named set of contours, as in DICOM's RTSTRUCT."""

    number: int
    name: str
    colour: str
    contours: tuple[Contour, ...]
    code: CodedConcept | None = None


@dataclass(frozen=True, eq=False)
class LabelSet:
    """Labels that came from a file of their own.

    Parameters
    ----------
    segmentations : tuple of Segmentation
        On the grid of the image they were made for where it was found, else on their own; more than one
        where segments overlap, each of which then holds segments that do not.
    is_on_source_grid : bool
        Whether the image they were made for was found and gave the grid.
    regions : tuple of Region
        The contours as they were drawn, for RTSTRUCT.
    """

    segmentations: tuple[Segmentation, ...]
    name: str
    origin: LabelOrigin
    source: Source = field(default_factory=lambda: Source(Path()))
    reference: Reference = Reference()
    is_on_source_grid: bool = False
    regions: tuple[Region, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Measurement:
    """A number with its meaning and unit (UCUM: mm, mL, 1 for a probability).

    Parameters
    ----------
    derivation : CodedConcept or None
        Which value of many it is: mean, maximum ... (DICOM CID 7464).
    """

    name: CodedConcept
    value: float
    unit: str
    derivation: CodedConcept | None = None


@dataclass(frozen=True)
class MeasurementGroup:
    """What is said about one thing: an image as a whole, or a segment or finding in it.

    Parameters
    ----------
    finding : CodedConcept or None
        What it is.
    statements : tuple of (concept, value)
        Qualitative evaluations, such as ("Predicted class", "pneumonia").
    segment_number : int or None
        The segment it is about, in the SEG instance `segmentation_uid`.
    """

    tracking_id: str = ""
    tracking_uid: str = ""
    finding: CodedConcept | None = None
    scope: Scope = Scope.IMAGE
    measurements: tuple[Measurement, ...] = ()
    statements: tuple[tuple[CodedConcept, CodedConcept], ...] = ()
    segment_number: int | None = None
    segmentation_uid: str = ""


@dataclass(frozen=True)
class MeasurementReport:
    """A structured report of measurements (DICOM SR, TID 1500)."""

    name: str
    title: str
    groups: tuple[MeasurementGroup, ...]
    source: Source = field(default_factory=lambda: Source(Path()))
    reference: Reference = Reference()
    algorithm: str = ""
    warnings: tuple[str, ...] = ()
