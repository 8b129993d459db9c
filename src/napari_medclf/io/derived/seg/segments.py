"""The segments of a segmentation as classes with names, colours and codes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from napari_medclf.domain.errors import ReadError
from napari_medclf.domain.labels import CodedConcept, LabelClass, LabelSchema
from napari_medclf.io.derived.reference import items
from napari_medclf.io.derived.seg.colour import hex_from_lab
from napari_medclf.io.dicom import tags

_MOST_NAME = 64  # a Segment Label is an LO


@dataclass(frozen=True)
class Segments:
    """The classes, and which stored number is which of them.

    Parameters
    ----------
    numbers : dict of int to int
        Segment number to label value. They are the same but for a label map in which 0 is a segment.
    background : int or None
        In a label map the stored number that means nothing; 0 otherwise never stands for a segment.
    """

    schema: LabelSchema
    numbers: dict[int, int]
    background: int | None = None


def read_segments(path: Path, dataset: Any) -> Segments:
    """Read the Segment Sequence (DICOM PS3.3 C.8.20.4); repeated names are told apart.

    Raises
    ------
    ReadError
        If it is missing, or a number stands twice.
    """
    described = items(dataset, "SegmentSequence")
    if not described:
        raise ReadError(path, "describes no segments")
    numbers = [int(tags.number(item, "SegmentNumber", -1)) for item in described]
    if min(numbers) < 0 or len(set(numbers)) < len(numbers):
        raise ReadError(path, "has segments without a number of their own")
    is_label_map = tags.text(dataset, "SegmentationType") == "LABELMAP"
    background = _background(dataset, dict(zip(numbers, described, strict=True))) if is_label_map else None
    kept = [(number, item) for number, item in zip(numbers, described, strict=True) if number != background]
    if not is_label_map and any(number == 0 for number, _ in kept):
        raise ReadError(path, "numbers a segment 0; segments count from 1")
    values = {number: number or max(numbers) + 1 for number, _ in kept}
    names = _unique_names([(number, item) for number, item in kept])
    defaults = LabelSchema.from_names(names).classes
    classes = tuple(
        LabelClass(value=values[number], name=one.name, colour=_colour(item) or one.colour, code=_code(item))
        for (number, item), one in zip(kept, defaults, strict=True)
    )
    return Segments(LabelSchema(classes=classes), values, background)


def _background(dataset: Any, described: dict[int, Any]) -> int | None:
    """Find the number that means nothing: by its code or name, else the padding value, else 0."""
    for number, item in described.items():
        code = _code(item)
        is_named_so = tags.text(item, "SegmentLabel").casefold() == "background"
        if is_named_so or (code is not None and (code.scheme, code.value) == ("DCM", "125040")):
            return number
    padding = int(tags.number(dataset, "PixelPaddingValue", 0))
    return padding if padding in described else (0 if 0 in described else None)


def _unique_names(described: list[tuple[int, Any]]) -> list[str]:
    names = [_name(number, item) for number, item in described]
    counted = Counter(names)
    sided = [
        f"{name} ({modifier})" if counted[name] > 1 and (modifier := _modifier(item)) else name
        for name, (_, item) in zip(names, described, strict=True)
    ]
    counted = Counter(sided)
    numbered = [
        f"{name} ({number})" if counted[name] > 1 else name for name, (number, _) in zip(sided, described, strict=True)
    ]
    return [name if numbered.count(name) == 1 else f"{name} [{n}]" for n, name in enumerate(numbered, start=1)]


def _name(number: int, item: Any) -> str:
    label = "".join(one if one.isprintable() else " " for one in tags.text(item, "SegmentLabel"))
    return " ".join(label.split())[:_MOST_NAME] or f"segment {number}"


def _modifier(item: Any) -> str:
    """Meaning of what narrows the type down, such as the side of the body."""
    for kind in items(item, "SegmentedPropertyTypeCodeSequence"):
        for modifier in items(kind, "SegmentedPropertyTypeModifierCodeSequence"):
            return tags.text(modifier, "CodeMeaning")
    return ""


def _code(item: Any) -> CodedConcept | None:
    for code in items(item, "SegmentedPropertyTypeCodeSequence"):
        value = tags.text(code, "CodeValue") or tags.text(code, "LongCodeValue") or tags.text(code, "URNCodeValue")
        scheme, meaning = tags.text(code, "CodingSchemeDesignator"), tags.text(code, "CodeMeaning")
        return CodedConcept(value=value, scheme=scheme, meaning=meaning) if value else None
    return None


def _colour(item: Any) -> str | None:
    values = tags.numbers(item, "RecommendedDisplayCIELabValue")
    if values is None or len(values) != 3 or not all(0 <= one <= 65535 for one in values):
        return None
    return hex_from_lab([int(one) for one in values])
