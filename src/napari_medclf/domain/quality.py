"""What was found wrong with a data set."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class FindingKind(StrEnum):
    """What kind of thing is wrong."""

    UNREADABLE = "unreadable"
    BLANK = "blank"
    CLIPPED = "clipped"
    INVERTED = "inverted"
    BLURRED = "blurred"
    NOISY = "noisy"
    ODD_SIZE = "odd-size"
    ODD_SPACING = "odd-spacing"
    ODD_INTENSITY = "odd-intensity"
    OTHER_MODALITY = "other-modality"
    COPY = "copy"
    NEAR_COPY = "near-copy"
    LEAK = "leak"
    CONFLICT = "conflict"
    BAD_LABELS = "bad-labels"
    EMPTY_LABELS = "empty-labels"


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
    """

    kind: FindingKind
    severity: Severity
    cases: tuple[str, ...]
    sentence: str
    exclude: tuple[str, ...] = ()
