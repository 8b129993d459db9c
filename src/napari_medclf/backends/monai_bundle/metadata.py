"""What a bundle's metadata say: often wrong, and so only asked where the configuration is silent."""

from __future__ import annotations

import re
from typing import Any

from napari_medclf.domain.card import Metric

_MODALITIES = {
    "ct": "CT",
    "mr": "MR",
    "mri": "MR",
    "mammogram": "MG",
    "mammography": "MG",
    "us": "US",
    "ultrasound": "US",
    "pet": "PT",
    "xray": "DX",
    "x-ray": "DX",
}
_BACKGROUND = ("background", "back ground", "bg", "unlabeled", "other", "everything else")


def data_format(metadata: dict[str, Any], side: str) -> dict[str, Any]:
    """Find the one input or output that ``network_data_format`` speaks of; empty where there is none."""
    each = _dict(_dict(metadata.get("network_data_format")).get(side))
    for name in ("image", "pred", "nucleus_prediction", *each):
        if isinstance(each.get(name), dict):
            return _dict(each[name])
    return {}


def modality_of(metadata: dict[str, Any]) -> tuple[str, ...]:
    """List the DICOM code of the modality that is named; empty where none or an odd one is."""
    name = str(data_format(metadata, "inputs").get("modality", "")).strip().casefold()
    return (_MODALITIES[name],) if name in _MODALITIES else ()


def names_of_channels(metadata: dict[str, Any], side: str, n_channels: int | None) -> tuple[str, ...] | None:
    """List the names that ``channel_def`` gives to channels 0, 1, ...; None where they are not `n_channels`."""
    found = data_format(metadata, side)
    given = _dict(found.get("channel_def")) or _dict(found.get("label_def"))
    try:
        ordered = [str(given[key]).strip() for key in sorted(given, key=int)]
    except ValueError:
        return None
    if not ordered or (n_channels is not None and len(ordered) != n_channels):
        return None
    return tuple(_unique(ordered))


def spatial_shape_of(metadata: dict[str, Any]) -> tuple[int, ...] | None:
    """List the sizes that the input has; None where they are formulas such as ``16*n``."""
    sizes = data_format(metadata, "inputs").get("spatial_shape")
    if not isinstance(sizes, list) or not sizes:
        return None
    whole = [int(size) for size in sizes if str(size).isdecimal() and 0 < int(size) <= 4096]
    return tuple(whole) if len(whole) == len(sizes) else None


def is_background(name: str) -> bool:
    """Whether the name of a channel says that nothing is there."""
    return name.strip().casefold() in _BACKGROUND


def metrics_of(metadata: dict[str, Any]) -> dict[str, Metric]:
    """Flatten the published numbers: ``published/mean_dice``."""
    flat: dict[str, Metric] = {}

    def add(prefix: str, value: Any) -> None:
        if isinstance(value, dict):
            for name, one in value.items():
                add(f"{prefix}/{name}", one)
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            flat[prefix] = Metric(value=float(value))

    add("published", _dict(metadata.get("eval_metrics")))
    return flat


def slug(text: str) -> str:
    """Make a model's name of a folder's."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-._")
    return (name or "monai-bundle")[:80]


def text_of(metadata: dict[str, Any], name: str) -> str:
    """One line of text from the metadata; empty where it is missing or no text."""
    value = metadata.get(name, "")
    value = ", ".join(map(str, value)) if isinstance(value, list) else value
    return " ".join(value.split())[:1000] if isinstance(value, str) else ""


def _unique(names: list[str]) -> list[str]:
    seen: list[str] = []
    for position, name in enumerate(names):
        taken = {one.casefold() for one in seen}
        seen.append(name if name and name.casefold() not in taken else f"{name or 'class'} {position}")
    return seen


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
