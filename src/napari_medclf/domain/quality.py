"""What was found wrong with a data set."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class FindingKind(StrEnum):
    """What kind of thing is wrong."""

    UNREADABLE = "unreadable"
    NOT_FINITE = "not-finite"
    BLANK = "blank"
    CLIPPED = "clipped"
    INVERTED = "inverted"
    BLURRED = "blurred"
    NOISY = "noisy"
    ODD_SIZE = "odd-size"
    ODD_SPACING = "odd-spacing"
    ODD_INTENSITY = "odd-intensity"
    OTHER_MODALITY = "other-modality"
    ORIENTATION = "orientation"
    BURNED_IN_TEXT = "burned-in-text"
    MOTION = "motion"
    COPY = "copy"
    NEAR_COPY = "near-copy"
    LEAK = "leak"
    CONFLICT = "conflict"
    BAD_LABELS = "bad-labels"
    EMPTY_LABELS = "empty-labels"
    LABEL_ERROR = "label-error"
    NO_LABEL = "no-label"
    NO_IMAGE = "no-image"


class Severity(StrEnum):
    """How bad it is."""

    ERROR = "error"
    """Must be mended: the case cannot be used, or numbers measured with it are wrong."""
    WARNING = "warning"
    """Should be looked at."""


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong.

    Parameters
    ----------
    cases : tuple of str
        The case ids it is about.
    sentence : str
        What is wrong with them, with the numbers.
    exclude : tuple of str
        Which of the cases to leave out to mend it.
    at : int or None
        The slice (index k) of the first case where it is seen; None for the middle one.
    picture : str
        The file that shows it, in the folder the findings were written to; empty without one.
    """

    kind: FindingKind
    severity: Severity
    cases: tuple[str, ...]
    sentence: str
    exclude: tuple[str, ...] = ()
    at: int | None = None
    picture: str = ""
