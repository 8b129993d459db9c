"""How far training images are changed at random."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class AugmentSettings(BaseModel):
    """How far training images are changed at random; 0 or empty switches a change off.

    Parameters
    ----------
    flip_axes : tuple of int
        Spatial axes flipped with probability 0.5 each.
    rotate_deg : float
        Largest turn, in every plane.
    quarter_turns : bool
        Turn by a random multiple of 90 degrees in the plane of the last two axes.
    scale : float
        Largest relative change of size; 0.2 means factors from 1/1.2 to 1.2.
    stretch : float
        The same, for each axis on its own.
    shear : float
        Largest shear of an axis along another.
    shift : float
        Largest move, as a part of the image's size; for whole images only, as patches move anyway.
    elastic_vox : float
        Standard deviation of a smooth random deformation.
    affine_probability : float
        How often an image is moved at all.
    gain, bias : float
        Largest relative change of contrast, and largest brightness added, in input units.
    channel_gain : float
        As `gain`, for every channel on its own: colour and stain.
    gamma : float
        Largest change of the exponent: 0.5 means from 1/1.5 to 1.5.
    noise_sd : float
        Largest standard deviation of added noise, in input units.
    blur_vox : float
        Largest standard deviation of a Gaussian blur.
    cutout : float
        Largest side of an erased box, as a part of the image's size.
    invert_probability : float
        How often an image is turned into its negative.
    low_resolution : float
        Largest relative growth of voxels before they are brought back to their size: 1 means up to twice as large;
        along all axes, or along one as in thick slices.
    mr_bias : float
        Largest logarithm of a smooth field that brightness is multiplied by, as the coils of MR do.
    ghosting : float
        Largest part of every n-th line of k-space that is lost, which repeats the image along an axis, as a pulse does
        in MR.
    window_jitter : float
        Largest move of each edge of the display window, in input units, in which the window is 0 to 1; for CT scaled
        by `window`.
    artefact_probability : float
        How often each of the four changes above is made.
    copy_paste_probability : float
        How often the objects of another patch of the batch are pasted into a patch, with their labels (Ghiasi 2021).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    flip_axes: tuple[int, ...] = ()
    rotate_deg: float = Field(default=0.0, ge=0, le=180)
    quarter_turns: bool = False
    scale: float = Field(default=0.0, ge=0)
    stretch: float = Field(default=0.0, ge=0)
    shear: float = Field(default=0.0, ge=0)
    shift: float = Field(default=0.0, ge=0, le=1)
    elastic_vox: float = Field(default=0.0, ge=0)
    affine_probability: float = Field(default=1.0, ge=0, le=1)
    gain: float = Field(default=0.0, ge=0)
    bias: float = Field(default=0.0, ge=0)
    channel_gain: float = Field(default=0.0, ge=0)
    gamma: float = Field(default=0.0, ge=0)
    noise_sd: float = Field(default=0.0, ge=0)
    blur_vox: float = Field(default=0.0, ge=0)
    cutout: float = Field(default=0.0, ge=0, le=1)
    invert_probability: float = Field(default=0.0, ge=0, le=1)
    low_resolution: float = Field(default=0.0, ge=0, le=10)
    mr_bias: float = Field(default=0.0, ge=0, le=2)
    ghosting: float = Field(default=0.0, ge=0, le=1)
    window_jitter: float = Field(default=0.0, ge=0, le=0.45)
    artefact_probability: float = Field(default=0.3, ge=0, le=1)
    copy_paste_probability: float = Field(default=0.0, ge=0, le=1)
