"""Which images of a folder a run is about, as a rule that is saved with the run."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Keep(StrEnum):
    """Which images of a study are kept, of those that are like the rule says."""

    ALL = "all"
    NEWEST = "newest"
    """By the time of the series."""
    THINNEST = "thinnest"
    """The smallest distance of slices."""
    MOST_SLICES = "most-slices"


@dataclass(frozen=True, kw_only=True)
class SeriesRule:
    """What an image must be like to be run; an empty field asks nothing.

    A field that asks for something a file cannot tell (a PNG has no body part) leaves that file out, with that reason.

    Parameters
    ----------
    include, exclude : tuple of str
        Patterns (``*``, ``?``, ``[ab]``, ``**``) on the path below the folder, whatever the case; exclude wins. One
        without a slash may match any part of the path.
    modality : tuple of str
        DICOM codes: CT, MR, CR ...
    body_part, description : str
        Regular expressions that are searched in DICOM's Body Part Examined and Series Description, whatever the case.
    not_description : str
        The same, for what must not be found, such as ``localizer|scout``.
    min_slices : int
        Fewest slices.
    max_slice_mm : float or None
        Largest distance of slices.
    one_per_study : Keep
        Whether one image of each DICOM study is kept, and which one; files that belong to no study are all kept.
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    modality: tuple[str, ...] = ()
    body_part: str = ""
    description: str = ""
    not_description: str = ""
    min_slices: int = 0
    max_slice_mm: float | None = None
    one_per_study: Keep = Keep.ALL
