"""Segments of 3D Slicer (.seg.nrrd): names, colours, codes, and layers where they overlap."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from napari_medclf.domain.labels import CodedConcept, LabelClass, LabelSchema
from napari_medclf.io.preflight import refusing
from napari_medclf.io.volume.nrrd_header import read_nrrd_header

_FIELD = re.compile(r"Segment(\d{1,5})_(\w+)")
_CODE = re.compile(r"([^~^|]*)\^([^~^|]*)\^([^~^|]*)")
_TYPE_PLACE = 2
"""Context ~ category ~ type ~ ... in Slicer's terminology entry."""


@dataclass(frozen=True)
class SegmentLayer:
    """Segments that do not overlap each other.

    Parameters
    ----------
    number : int
        Which channel of the image holds them.
    """

    number: int
    schema: LabelSchema


def read_segments(path: Path) -> tuple[SegmentLayer, ...]:
    """Read the segments that a header names, one layer each; empty where it names none.

    Raises
    ------
    ReadError
        If the header is damaged.
    """
    with refusing(path, "cannot be read as NRRD"):
        values = read_nrrd_header(path).values
        segments: dict[int, dict[str, str]] = {}
        for key, value in values.items():
            match = _FIELD.fullmatch(key)
            if match:
                segments.setdefault(int(match[1]), {})[match[2]] = value
        layers: dict[int, list[LabelClass]] = {}
        for number in sorted(segments):
            fields = segments[number]
            classes = layers.setdefault(int(fields.get("Layer", "0")), [])
            classes.append(_class_of(number, fields, {one.name for one in classes}))
        return tuple(SegmentLayer(number, LabelSchema(classes=tuple(layers[number]))) for number in sorted(layers))


def _class_of(number: int, fields: dict[str, str], taken: set[str]) -> LabelClass:
    value = int(fields.get("LabelValue", number + 1))
    name = fields.get("Name") or f"segment {value}"
    parts = [min(max(round(float(one) * 255), 0), 255) for one in fields.get("Color", "0.5 0.5 0.5").split()]
    return LabelClass(
        value=value,
        name=name if name not in taken else f"{name} ({value})",
        colour=f"#{bytes((*parts, 0, 0, 0)[:3]).hex().upper()}",
        code=_code(fields.get("Tags", "")),
    )


def _code(tags: str) -> CodedConcept | None:
    entry = next((one for one in tags.split("|") if one.startswith("TerminologyEntry:")), "")
    places = entry.partition(":")[2].split("~")
    match = _CODE.fullmatch(places[_TYPE_PLACE]) if len(places) > _TYPE_PLACE else None
    if match is None or not match[1] or not match[2]:
        return None
    return CodedConcept(scheme=match[1], value=match[2], meaning=match[3])
