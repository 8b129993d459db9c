"""The physical scale that OME-TIFF and ImageJ write; resolution tags alone are not believed."""

from __future__ import annotations

import math
from typing import Any
from xml.etree import ElementTree

_MM_PER_UNIT = {
    "mm": 1.0,
    "cm": 10.0,
    "m": 1000.0,
    "µm": 1e-3,
    "μm": 1e-3,
    "um": 1e-3,
    "micron": 1e-3,
    "microns": 1e-3,
    "\\u00b5m": 1e-3,
    "nm": 1e-6,
}
_MOST_XML = 1_000_000


def spacing_of(file: Any) -> tuple[float, float, float] | None:
    """Spacing (k, j, i) in mm, or None where the file does not tell.

    Plain resolution tags are left alone: cameras and programs write 72 dpi into anything.
    """
    found = _from_ome(file.ome_metadata) if file.is_ome else _from_imagej(file) if file.is_imagej else None
    if found is None or not all(math.isfinite(step) and step > 0 for step in found):
        return None
    return found


def _from_ome(xml: str | None) -> tuple[float, float, float] | None:
    if not xml or len(xml) > _MOST_XML or "<!ENTITY" in xml:
        return None
    pixels = next((one for one in _parse(xml).iter() if one.tag.endswith("Pixels")), None)
    if pixels is None or pixels.get("PhysicalSizeX") is None or pixels.get("PhysicalSizeY") is None:
        return None
    steps = [_ome_step(pixels.attrib, axis) for axis in "ZYX"]
    return None if None in steps else (steps[0] or 1.0, steps[1] or 1.0, steps[2] or 1.0)


def _parse(xml: str) -> ElementTree.Element:
    # What makes XML dangerous are entities; OME never declares any, and files that do came no further.
    return ElementTree.fromstring(xml)  # noqa: S314


def _ome_step(attributes: dict[str, str], axis: str) -> float | None:
    size = attributes.get(f"PhysicalSize{axis}")
    if size is None:
        return 1.0
    factor = _MM_PER_UNIT.get(attributes.get(f"PhysicalSize{axis}Unit", "µm"))
    return None if factor is None else float(size) * factor


def _from_imagej(file: Any) -> tuple[float, float, float] | None:
    metadata = file.imagej_metadata or {}
    factor = _MM_PER_UNIT.get(str(metadata.get("unit", "")))
    tags = file.pages[0].tags
    if factor is None or "XResolution" not in tags or "YResolution" not in tags:
        return None
    (x_pixels, x_units), (y_pixels, y_units) = tags["XResolution"].value, tags["YResolution"].value
    if not (x_pixels and y_pixels):
        return None
    depth = float(metadata.get("spacing", 1.0))
    return (depth * factor, y_units / y_pixels * factor, x_units / x_pixels * factor)
