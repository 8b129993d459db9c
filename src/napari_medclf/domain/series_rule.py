"""Which images of a folder a run is about, as a rule that is saved with the run."""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import StrEnum

from napari_medclf.domain.options import option


class Keep(StrEnum):
    """Which images of a study are kept, of those that are like the rule says."""

    ALL = "all"
    NEWEST = "newest"
    """By the time of the series."""
    THINNEST = "thinnest"
    """The smallest distance of slices."""
    MOST_SLICES = "most-slices"


@dataclass(frozen=True, kw_only=True)
class PathPatterns:
    """Which files below a folder are looked at, by their place.

    Parameters
    ----------
    include, exclude : tuple of str
        Patterns (``*``, ``?``, ``[ab]``, ``**``) on the path below the folder, whatever the case; exclude wins. One
        without a slash may match any part of the path.
    """

    include: tuple[str, ...] = option(
        (), help="only files whose place below the folder matches one of these, such as 'sub-*/anat/*.nii.gz'"
    )
    exclude: tuple[str, ...] = option(
        (), help="no files or folders that match one of these, such as 'localizer*'; wins over --include"
    )


@dataclass(frozen=True, kw_only=True)
class SeriesRule:
    """What an image must be like to be run; an empty field asks nothing.

    A field that asks for something a file cannot tell (a PNG has no body part) leaves that file out, with that reason.
    Options of a run inherit these fields, so every run that chooses images has the same flags for it.

    Parameters
    ----------
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

    modality: tuple[str, ...] = option((), help="only images of these DICOM modalities: CT, MR, CR ...")
    body_part: str = option("", help="only images whose DICOM Body Part Examined this regular expression finds")
    description: str = option("", help="only images whose DICOM Series Description this regular expression finds")
    not_description: str = option("", help="no images whose Series Description this finds: 'localizer|scout'")
    min_slices: int = option(0, help="fewest slices of an image", minimum=0)
    max_slice_mm: float | None = option(None, help="largest distance of slices", unit="mm", minimum=0.0)
    one_per_study: Keep = option(Keep.ALL, help="run all images of a DICOM study, or one of them")


@dataclass(frozen=True, kw_only=True)
class FolderRule(SeriesRule, PathPatterns):
    """Which images of a folder are run: by their place, and by what they are."""

    @classmethod
    def of(cls, options: FolderRule) -> FolderRule:
        """Take the rule alone out of options that inherit it."""
        return cls(**{one.name: getattr(options, one.name) for one in fields(cls)})
