"""Segments for a file to be written: numbers, labels, codes, colours and who made them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from napari_medclf.domain.arrays import LabelArray
from napari_medclf.domain.authorship import Authorship, Making
from napari_medclf.domain.errors import WriteError
from napari_medclf.domain.labels import CodedConcept, LabelClass, LabelSchema
from napari_medclf.domain.results import Segmentation
from napari_medclf.io.derived.codes import SegmentCode, code_of
from napari_medclf.io.derived.seg.colour import lab_from_hex

MOST_OBJECTS = 2000
"""Each object is a segment of its own with a description; viewers list them all."""
_LONGEST_TABLE = 2**20
_LONGEST_LABEL = 64  # a Segment Label is an LO
_LONGEST_PARAMETERS = 1024  # Algorithm Parameters is an LT of 10240; nobody reads that much


@dataclass(frozen=True)
class PlannedSegment:
    """One segment of a file to be written.

    Parameters
    ----------
    number : int
        In the file, consecutive from 1 (DICOM PS3.3 C.8.20.4).
    value : int
        In the label image.
    """

    number: int
    value: int
    label: str
    colour: str
    code: SegmentCode


def segment_numbers(schema: LabelSchema) -> dict[int, int]:
    """Map label values to segment numbers: the same where values run 1, 2, 3 ..., else in order from 1.

    >>> segment_numbers(LabelSchema.from_names(["liver", "spleen"], first_value=4))
    {4: 1, 5: 2}
    """
    return {value: number for number, value in enumerate(sorted(one.value for one in schema.foreground), start=1)}


def plan_segments(segmentation: Segmentation) -> tuple[PlannedSegment, ...]:
    """Plan a segment a class, or a segment an object where objects are numbered.

    Raises
    ------
    WriteError
        If there is no class, too many objects, or a name that no file can hold.
    """
    classes = _objects(segmentation) if segmentation.is_instances else segmentation.schema.foreground
    if not classes:
        raise WriteError(f"{segmentation.name}: there is no class (or no object) to be written as a segment.")
    numbers = {one.value: number for number, one in enumerate(sorted(classes, key=_value), start=1)}
    return tuple(_plan(one, numbers[one.value]) for one in sorted(classes, key=_value))


def renumber(labels: LabelArray, segments: Sequence[PlannedSegment]) -> LabelArray:
    """Turn label values into segment numbers; the smallest unsigned dtype that holds them."""
    values = np.array([0, *(one.value for one in segments)])
    numbers = np.array([0, *(one.number for one in segments)], dtype=np.min_scalar_type(len(segments)))
    if values[-1] >= _LONGEST_TABLE:
        return np.asarray(numbers[np.searchsorted(values, labels)])
    table = np.zeros(int(values[-1]) + 1, numbers.dtype)
    table[values] = numbers
    return np.asarray(table[labels])


def describe_segments(segments: Sequence[PlannedSegment], authorship: Authorship) -> list[Any]:
    """Make highdicom's segment descriptions."""
    from highdicom.color import CIELabColor
    from highdicom.seg import SegmentDescription

    described = []
    for one in segments:
        item = SegmentDescription(
            segment_number=one.number,
            segment_label=one.label,
            segmented_property_category=_coded(one.code.category),
            segmented_property_type=_coded(one.code.type),
            algorithm_type=str(authorship.making),
            algorithm_identification=_algorithm(authorship),
            display_color=CIELabColor.from_dicom_value(lab_from_hex(one.colour)),
        )
        if one.code.modifier is not None:
            kind = item.SegmentedPropertyTypeCodeSequence[0]
            kind.SegmentedPropertyTypeModifierCodeSequence = [_coded(one.code.modifier)]
        described.append(item)
    return described


def _value(one: LabelClass) -> int:
    return one.value


def _objects(segmentation: Segmentation) -> tuple[LabelClass, ...]:
    """Make a class of every object, named by its kind and its number."""
    kind = segmentation.schema.foreground[0] if segmentation.schema.foreground else None
    numbers = [int(number) for number in np.unique(segmentation.labels) if number > 0]
    if len(numbers) > MOST_OBJECTS:
        raise WriteError(
            f"{segmentation.name}: {len(numbers)} objects are too many for a DICOM segmentation, which describes each "
            f"one (at most {MOST_OBJECTS}). Save as NIfTI, NRRD or TIFF."
        )
    if kind is None:
        return ()
    code = kind.code or code_of(kind).type
    return tuple(LabelClass(value=n, name=f"{kind.name} {n}", colour=kind.colour, code=code) for n in numbers)


def _plan(one: LabelClass, number: int) -> PlannedSegment:
    label = " ".join(one.name.split())
    if len(label) > _LONGEST_LABEL or "\\" in label or not label.isprintable():
        raise WriteError(
            f"The class name {label[:_LONGEST_LABEL]!r} cannot be written to DICOM: names have at most "
            f"{_LONGEST_LABEL} characters, all of them visible, and no backslash."
        )
    return PlannedSegment(number, one.value, label, one.colour.upper(), code_of(one))


def _algorithm(authorship: Authorship) -> Any | None:
    """Name the model in the way of PS3.3 10.16; nothing for what a person made alone."""
    if authorship.making is Making.MANUAL:
        return None
    from highdicom.content import AlgorithmIdentificationSequence
    from pydicom.sr.codedict import codes

    parameters = dict(authorship.parameters)
    if authorship.weights_sha256:
        parameters["weights_sha256"] = authorship.weights_sha256
    text = ",".join(f"{name}={value}" for name, value in parameters.items())
    if len(text) > _LONGEST_PARAMETERS:
        raise WriteError(f"The settings of the model take {len(text)} characters, more than {_LONGEST_PARAMETERS}.")
    return AlgorithmIdentificationSequence(
        name=(authorship.model or "unnamed model")[:_LONGEST_LABEL],
        family=codes.cid7162.ArtificialIntelligence,
        version=(authorship.model_version or "unknown")[:_LONGEST_LABEL],
        source="napari-medclf",
        parameters=parameters or None,
    )


def _coded(concept: CodedConcept) -> Any:
    from highdicom.sr.coding import CodedConcept as Coded

    return Coded(value=concept.value, scheme_designator=concept.scheme, meaning=concept.meaning or concept.value)
