"""Where the files of a run's cases go, and what they are called."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Structure(StrEnum):
    """How the folder of results is built."""

    FLAT = "flat"
    """``cases/<case>/segmentation.nii.gz``: one folder a case, all side by side."""
    MIRRORED = "mirrored"
    """``cases/<folders of the input>/<case>/segmentation.nii.gz``."""


class Naming(StrEnum):
    """What cases are called."""

    PLACE = "place"
    """By their place below the input folder; parts that are the DICOM patient's name or number are replaced."""
    KEY = "key"
    """By a short hash of the content: nothing of the input's names is left in the results."""
    NAMED = "named"
    """By their place below the input folder as it is, with whatever names people gave."""


@dataclass(frozen=True)
class OutputLayout:
    """Where the files of a run's cases go."""

    structure: Structure = Structure.FLAT
    naming: Naming = Naming.PLACE
