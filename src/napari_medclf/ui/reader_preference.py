"""Ask napari, once and for all, to open medical files with our reader."""

from __future__ import annotations

from typing import Any

from napari.settings import get_settings

_PLUGIN = "napari-medclf"
_PATTERNS = ("*.nii", "*.nii.gz", "*.dcm", "*.DCM", "*.dicom", "*.ima", "*.IMA", "*.nrrd", "*.nhdr", "*.mha", "*.mhd")


def is_preferred(settings: Any = None) -> bool:
    """Whether napari opens all medical suffixes with our reader without asking."""
    chosen = (settings or get_settings()).plugins.extension2reader
    return all(chosen.get(pattern) == _PLUGIN for pattern in _PATTERNS)


def prefer(settings: Any = None) -> None:
    """Write the preference into napari's settings; pictures such as PNG keep their reader."""
    plugins = (settings or get_settings()).plugins
    plugins.extension2reader = {**plugins.extension2reader, **dict.fromkeys(_PATTERNS, _PLUGIN)}
