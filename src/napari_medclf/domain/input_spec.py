"""What a network takes: channels, grid, intensity, windows."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from napari_medclf.domain.preprocess_step import PreprocessStep
from napari_medclf.domain.step_kinds import StepGroup

# Far beyond what any model needs: what is larger was written to do harm, or by mistake.
_MOST_VOX, _MOST_CHANNELS, _MOST_SCALINGS = 65_536, 1_000, 20
_SizeVox = Annotated[int, Field(ge=1, le=_MOST_VOX)]
_SpacingMm = Annotated[float, Field(ge=1e-4, le=1e4)]
_Statistic = Annotated[float, Field(ge=-1e12, le=1e12)]
_Value = Annotated[int, Field(ge=0, le=65_535)]
_AXES_OF_LETTERS = {"R": 0, "L": 0, "A": 1, "P": 1, "I": 2, "S": 2}


class Intensity(BaseModel):
    """How samples become network input.

    ``zscore``: (x - mean) / standard deviation of the image, per channel, after clipping to the
    percentiles `low` and `high`. ``window``: clip to [low, high] in sample units, then to 0..1.
    ``percentile``: clip to the percentiles, then to 0..1. ``range``: from the dtype's range to 0..1.
    ``stored``: from the range of the bits that a file stores (12 of 16: 0 to 4095) to 0..1, else as ``range``.
    ``minmax``: from the image's smallest and largest sample to 0..1. ``clip``: clip to [low, high] and keep the
    unit. ``none``: as they are.

    Parameters
    ----------
    kind : str
        Of those above.
    low, high : float
        Limits, in percent or in sample units.
    of : str
        Which samples of a channel count for statistics and are changed by ``zscore``: ``all``; ``nonzero`` leaves the
        others zero (MONAI's ``NormalizeIntensity(nonzero=True)``); ``filled`` takes where any channel is not zero, and
        the holes in that (nnU-Net's mask); ``above_mean`` takes mean and deviation from samples above the mean, and
        changes all (TorchIO's ``ZNormalization`` with its mean mask).
    is_clipped : bool
        Whether ``window`` and ``percentile`` cut off what lies outside; else it lands below 0 or above 1.
    is_per_channel : bool
        Whether statistics are each channel's own, or of all channels together (MONAI's default).
    mean, std : tuple of float
        Subtracted and divided a channel afterwards; empty for none.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    kind: Literal["zscore", "window", "percentile", "range", "stored", "minmax", "clip", "none"]
    low: float = 0.0
    high: float = 100.0
    of: Literal["all", "nonzero", "filled", "above_mean"] = "all"
    is_clipped: bool = True
    is_per_channel: bool = True
    mean: tuple[_Statistic, ...] = Field(default=(), max_length=_MOST_CHANNELS)
    std: tuple[_Statistic, ...] = Field(default=(), max_length=_MOST_CHANNELS)

    @model_validator(mode="after")
    def _check_range(self) -> Intensity:
        uses_limits = self.kind in ("zscore", "window", "percentile", "clip")
        if uses_limits and self.low >= self.high:
            raise ValueError(f"{self.kind} from {self.low:g} to {self.high:g} leaves nothing; low must be below high")
        if self.kind in ("zscore", "percentile") and not (self.low >= 0 and self.high <= 100):
            raise ValueError(f"the percentiles {self.low:g} and {self.high:g} are not both from 0 to 100")
        if 0 in self.std:
            raise ValueError("std holds a 0, by which nothing can be divided")
        return self


class InputSpec(BaseModel):
    """What a network takes; `engine.prepare` obeys it in training and in use.

    Parameters
    ----------
    spatial_dims : 2 or 3
        A 2D network sees a volume slice by slice.
    channels : tuple of str
        Names of the input channels: ``("gray",)``, ``("red", "green", "blue")``, ``("T1", "T2")``.
    channel_intensity : tuple of Intensity
        One for each channel, in place of `intensity`; empty where all are treated alike.
    then : tuple of Intensity
        Further scalings of all channels, one after the other.
    modality : tuple of str
        DICOM codes that fit; empty where any does.
    spacing_mm : (k, j, i) or (j, i), or None
        Resample to this; None keeps the image's own.
    axis_codes : str or None
        Orientation of the array the network expects, such as ``"SPL"``: the direction in which each index grows,
        index k first. None keeps the image's own.
    axis_order : (int, int, int)
        Where `axis_codes` is None: axes of the array (k, j, i) in the order in which the network takes them.
        ``(2, 1, 0)`` feeds (i, j, k), as nibabel and MONAI load volumes. `spacing_mm`, `resize_to` and `patch_vox`
        are in the network's order.
    resize_to : (j, i) or (k, j, i), or None
        Resize the whole image to this many pixels, for classification.
    crop : str
        Before anything else, cut to the box of ``nonzero`` samples (of any channel), or to the ``square`` in the middle
        of rows and columns, and fill the rest of the answer with background.
    resampling : str
        ``area``: the mean over what a new voxel covers where an axis shrinks, linear where it grows. ``linear``:
        linear between centres either way, as MONAI's ``Spacing`` and PyTorch do. ``cubic``: third-order splines as
        nnU-Net uses (scikit-image's ``resize(order=3)``, slices apart where the grid is anisotropic).
    align : str
        What old and new grid share: the outer ``edges`` of the volume, or the first voxel's ``centre`` and then the
        exact spacing (MONAI's ``Spacing``).
    is_normalised_first : bool
        Whether intensities are scaled on the image's own grid, before resampling (nnU-Net), rather than after it.
    patch_vox : tuple
        Window of the sliding-window run, and patch of training.
    overlap : float
        Part of a window that neighbours share, unless a person says otherwise.
    blending : str
        Weight of a window's voxels where windows overlap.
    tiling : str
        Whose sliding window is followed: ``monai`` lays windows at a fixed step, ``nnunet`` spreads them evenly and
        keeps its sums, and the logits that come home, in half precision, so that labels are the same to the voxel.
    divisible_by : int
        Every spatial size is padded to a multiple of this.
    is_air_skipped : bool
        Whether windows that lie wholly outside of the body may be called background without asking the network.
    steps : tuple of PreprocessStep
        What is done first, on the image's own grid and in its own unit: cleaning, contrast, crops. Grid and scale of
        the network are the fields above.
    clicks : tuple of int
        Label values of which the network takes a person's clicks, each as one more channel behind `channels`, in the
        order of its answers; 0 is background. The network itself fills them with zeros where nobody clicked. Empty for
        networks that take images only.
    click_sigma_vox : float
        How wide a click is drawn: a Gaussian of this deviation, 1 in its middle.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    spatial_dims: Literal[2, 3]
    channels: tuple[str, ...] = Field(min_length=1, max_length=_MOST_CHANNELS)
    intensity: Intensity
    channel_intensity: tuple[Intensity, ...] = ()
    then: tuple[Intensity, ...] = Field(default=(), max_length=_MOST_SCALINGS)
    modality: tuple[str, ...] = ()
    spacing_mm: tuple[_SpacingMm, ...] | None = None
    axis_codes: str | None = None
    axis_order: tuple[int, int, int] = (0, 1, 2)
    resize_to: tuple[_SizeVox, ...] | None = None
    crop: Literal["none", "nonzero", "square"] = "none"
    resampling: Literal["area", "linear", "cubic"] = "area"
    align: Literal["edges", "centre"] = "edges"
    is_normalised_first: bool = False
    patch_vox: tuple[_SizeVox, ...]
    overlap: float = Field(default=0.25, ge=0, le=0.95)
    blending: Literal["gaussian", "constant"] = "gaussian"
    tiling: Literal["monai", "nnunet"] = "monai"
    divisible_by: int = Field(default=1, ge=1, le=_MOST_VOX)
    is_air_skipped: bool = False
    steps: tuple[PreprocessStep, ...] = Field(default=(), max_length=_MOST_SCALINGS)
    clicks: tuple[_Value, ...] = Field(default=(), max_length=_MOST_CHANNELS)
    click_sigma_vox: float = Field(default=2.0, gt=0, le=100)

    @model_validator(mode="after")
    def _check_dims(self) -> InputSpec:
        for name in ("spacing_mm", "resize_to", "patch_vox"):
            value = getattr(self, name)
            if value is not None and len(value) != self.spatial_dims:
                raise ValueError(f"{name} has {len(value)} numbers for {self.spatial_dims} dimensions")
        if len(self.channel_intensity) not in (0, len(self.channels)):
            raise ValueError(f"channel_intensity has {len(self.channel_intensity)} for {len(self.channels)} channels")
        if sorted(self.axis_order) != [0, 1, 2]:
            raise ValueError(f"axis_order {self.axis_order} does not name three axes")
        codes = self.axis_codes
        if codes is not None and sorted(_AXES_OF_LETTERS.get(letter, -1) for letter in codes) != [0, 1, 2]:
            raise ValueError(f"axis_codes {codes[:20]!r} do not name three axes, as 'SPL' does")
        for one in (self.intensity, *self.channel_intensity, *self.then):
            if any(len(numbers) not in (0, 1, len(self.channels)) for numbers in (one.mean, one.std)):
                raise ValueError(f"mean and std must hold as many numbers as there are channels, {len(self.channels)}")
        for step in self.steps:
            if step.kind.group is StepGroup.GRID:
                raise ValueError(f"{step.name} is no step of a model: its grid is spacing_mm, resize_to, divisible_by")
        return self

    def intensity_of(self, channel: int) -> Intensity:
        """How one channel is scaled."""
        return self.channel_intensity[channel] if self.channel_intensity else self.intensity
