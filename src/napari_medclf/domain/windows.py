"""Window presets of CT, in Hounsfield units."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class WindowPreset:
    """A name and the limits of what is shown between black and white."""

    name: str
    low_hu: float
    high_hu: float


def _centred(name: str, centre_hu: float, width_hu: float) -> WindowPreset:
    return WindowPreset(name, centre_hu - width_hu / 2, centre_hu + width_hu / 2)


# Centres and widths as in radiology teaching (Radiopaedia, "Windowing (CT)").
CT_PRESETS = (
    _centred("Soft tissue", 40, 400),
    _centred("Lung", -600, 1500),
    _centred("Bone", 400, 1800),
    _centred("Brain", 40, 80),
    _centred("Liver", 60, 160),
)
