"""The axis in front of a volume: time with its unit, or channels."""

from __future__ import annotations

import numpy as np

from napari_medclf.bridge.orientation import Placement
from napari_medclf.domain.image import ChannelKind, MedImage

_TIME_UNITS = ("s", "ms")
_EVEN_WITHIN = 0.01
"""Steps that differ by up to this share of their mean are shown as even."""


def with_leading_axis(place: Placement, image: MedImage) -> Placement:
    """Put the axis of times or channels before the axes of a volume.

    Even times become napari's step, origin and unit (0.9.2 takes ms beside mm). Uneven ones cannot:
    the axis then counts, and its label tells the unit of the times, which `MedImage` keeps.
    """
    step, first, unit = _even_steps(image)
    return Placement(
        scale=(step, *place.scale),
        translate=(first, *place.translate),
        units=(unit, *place.units),
        axis_labels=(_axis_label(image, unit), *place.axis_labels),
    )


def _even_steps(image: MedImage) -> tuple[float, float, str]:
    values = np.asarray(image.channel_values, dtype=np.float64)
    if len(values) < 2 or image.channel_unit not in _TIME_UNITS:
        return (1.0, 0.0, "pixel")
    steps = np.diff(values)
    mean = float(steps.mean())
    if mean <= 0 or float(np.abs(steps - mean).max()) > _EVEN_WITHIN * mean:
        return (1.0, 0.0, "pixel")
    return (mean, float(values[0]), image.channel_unit)


def _axis_label(image: MedImage, unit: str) -> str:
    name = "time" if image.channel_kind is ChannelKind.COLOUR_TIME else image.channel_kind.value
    is_uneven = bool(image.channel_values and image.channel_unit) and unit == "pixel"
    return f"{name} (uneven, {image.channel_unit})" if is_uneven else name
