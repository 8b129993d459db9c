"""The kinds of steps that an image can go through, with their numbers and what these mean."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from napari_medclf.domain.errors import OptionError, unknown_choice


class StepGroup(StrEnum):
    """What a step changes."""

    DENOISE = "denoise"
    EVEN = "even out"
    CONTRAST = "contrast"
    SCALE = "scale"
    """The unit of the samples; in a model this is the card's intensity."""
    CROP = "crop"
    GRID = "grid"
    """Size and number of voxels; in a model this is the card's spacing or size."""


@dataclass(frozen=True)
class StepParameter:
    """One number of a step, or several of them where it holds one an axis.

    Parameters
    ----------
    default : float or None
        None where it must be given.
    """

    name: str
    default: float | None
    minimum: float
    maximum: float
    help: str
    is_whole: bool = False
    is_per_axis: bool = False


@dataclass(frozen=True)
class StepKind:
    """A kind of step: what it does, with which numbers, and where it was published."""

    name: str
    group: StepGroup
    summary: str
    parameters: tuple[StepParameter, ...] = ()

    def parameter(self, name: str) -> StepParameter:
        """Give a parameter by its name.

        Raises
        ------
        OptionError
            If there is none; the message lists those there are.
        """
        for one in self.parameters:
            if one.name == name:
                return one
        raise OptionError(
            unknown_choice(f"number of the step {self.name}", name, [one.name for one in self.parameters])
        )


_SEARCH_VOX = StepParameter("search_vox", 5, 1, 15, "how far away alike surroundings are looked for", is_whole=True)
_MARGIN_VOX = StepParameter("margin_vox", 4, 0, 1000, "voxels that are left around it", is_whole=True)

_KINDS = (
    StepKind(
        "median",
        StepGroup.DENOISE,
        "the median of every voxel's surroundings: takes single outliers out, keeps edges (Tukey 1977)",
        (StepParameter("radius_vox", 1, 1, 10, "reach in voxels of the finest axis", is_whole=True),),
    ),
    StepKind(
        "gaussian",
        StepGroup.DENOISE,
        "a weighted mean of every voxel's surroundings: less noise, softer edges",
        (StepParameter("sd_vox", 1, 0.1, 20, "standard deviation in voxels of the finest axis"),),
    ),
    StepKind(
        "non-local-means",
        StepGroup.DENOISE,
        "a mean of places whose surroundings look alike: keeps texture and edges (Buades 2005)",
        (
            StepParameter("strength", 0.8, 0.05, 5, "in standard deviations of the noise, which is estimated"),
            _SEARCH_VOX,
        ),
    ),
    StepKind(
        "total-variation",
        StepGroup.DENOISE,
        "the nearest image with few and sharp edges (Rudin 1992, by Chambolle 2004)",
        (StepParameter("strength", 1, 0.05, 10, "in standard deviations of the noise, which is estimated"),),
    ),
    StepKind(
        "bias-field",
        StepGroup.EVEN,
        "divides by a smooth field of brightness, estimated by sharpening the histogram (N3, Sled 1998; N4, Tustison "
        "2010); for MR",
        (
            StepParameter("knots", 4, 2, 12, "pieces of the field along the longest axis at its finest", is_whole=True),
            StepParameter("rounds", 40, 1, 200, "most rounds at each of three levels", is_whole=True),
        ),
    ),
    StepKind(
        "clahe",
        StepGroup.CONTRAST,
        "equalises brightness in tiles, with a limit to contrast (CLAHE, Zuiderveld 1994)",
        (
            StepParameter("tiles", 8, 1, 64, "tiles along each axis", is_whole=True),
            StepParameter("clip", 0.01, 0.0005, 1, "limit to contrast; 1 for none"),
        ),
    ),
    StepKind("equalise", StepGroup.CONTRAST, "spreads brightness evenly over its range: histogram equalisation"),
    StepKind("invert", StepGroup.CONTRAST, "exchanges black and white, for X-rays that were stored inverted"),
    StepKind("zscore", StepGroup.SCALE, "subtracts the mean and divides by the standard deviation of each channel"),
    StepKind(
        "percentile",
        StepGroup.SCALE,
        "clips to two percentiles, and scales them to 0 and 1",
        (
            StepParameter("low", 0.5, 0, 50, "lower percentile"),
            StepParameter("high", 99.5, 50, 100, "upper percentile"),
        ),
    ),
    StepKind(
        "window",
        StepGroup.SCALE,
        "clips to a window of the sample's unit, such as -160 to 240 HU, and scales it to 0 and 1",
        (
            StepParameter("low", None, -1e6, 1e6, "lower edge in the sample's unit"),
            StepParameter("high", None, -1e6, 1e6, "upper edge in the sample's unit"),
        ),
    ),
    StepKind(
        "crop-body",
        StepGroup.CROP,
        "cuts a CT to the box of its largest part above air",
        (StepParameter("threshold_hu", -300, -1000, 500, "what counts as body is above it"), _MARGIN_VOX),
    ),
    StepKind(
        "crop-foreground",
        StepGroup.CROP,
        "cuts to the box of what is brighter than the background (Otsu 1979), specks left out",
        (_MARGIN_VOX,),
    ),
    StepKind(
        "resample",
        StepGroup.GRID,
        "another voxel size: means over what a new voxel covers where it is coarser, linear where it is finer",
        (
            StepParameter(
                "spacing_mm", None, 1e-3, 1e3, "millimetres, one number or one an axis, slices first", is_per_axis=True
            ),
        ),
    ),
    StepKind(
        "resize",
        StepGroup.GRID,
        "another number of voxels over the same extent",
        (
            StepParameter(
                "size_vox", None, 1, 65_536, "voxels, one number or one an axis, slices first",
                is_whole=True, is_per_axis=True,
            ),
        ),
    ),
    StepKind(
        "pad",
        StepGroup.GRID,
        "adds voxels of the lowest value on both sides until each axis is a multiple of a number",
        (StepParameter("multiple_vox", 16, 2, 65_536, "each axis becomes a multiple of this", is_whole=True),),
    ),
)  # fmt: skip
STEP_KINDS: dict[str, StepKind] = {kind.name: kind for kind in _KINDS}
"""Every kind of step, in the order in which they are usually made."""
