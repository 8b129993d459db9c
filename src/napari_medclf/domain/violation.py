"""An image that is not what a model's card asks for, and what a person can do about it with one click."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Fix(StrEnum):
    """A change of the image that a person may ask for; `engine.contract.fixes.apply_fix` makes it."""

    INVERT = "invert"
    """Turn bright into dark: the image is inverted for this model."""
    TO_GRAY = "to_gray"
    """Take the brightness of a colour picture."""
    FIRST_TIME = "first_time"
    """Take one time point of a series."""
    SET_MODALITY = "set_modality"
    """Believe that the image is of the model's modality."""
    SET_SPACING = "set_spacing"
    """Believe that an image without a scale has the model's spacing."""
    TO_HOUNSFIELD = "to_hounsfield"
    """Undo the +1024 with which some files store Hounsfield units."""


@dataclass(frozen=True)
class Violation:
    """One clause of a card that an image breaks.

    Parameters
    ----------
    clause : str
        ``modality``, ``dimensions``, ``channels``, ``spacing``, ``orientation``, ``window`` or ``photometric``.
    sentence : str
        What is unlike, and what the model was made for.
    fix : Fix or None
        What would mend it; None where only another image or model helps.
    fix_label : str
        What the button says, such as ``"Invert the image"``.
    """

    clause: str
    sentence: str
    fix: Fix | None = None
    fix_label: str = ""
