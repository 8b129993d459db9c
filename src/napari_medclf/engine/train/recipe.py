"""How a network is trained, as a value that is stored beside the model."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from napari_medclf.domain.card import NetworkSpec
from napari_medclf.domain.errors import OptionError, unknown_choice
from napari_medclf.domain.input_spec import InputSpec

_BUILT_IN = Path(__file__).parent / "recipes"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class AugmentSettings(_Frozen):
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
    """

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


class Recipe(_Frozen):
    """Everything that decides how a network is trained, apart from data, seed and time limit.

    Parameters
    ----------
    network, input : NetworkSpec, InputSpec
        What is trained, and on what; they go into the card unchanged.
    epochs : int
        An epoch is `samples_per_epoch` samples, then one validation.
    samples_per_epoch : int
        Patches or images an epoch; 0 means each case once.
    batch : int
        Samples a step.
    lr : float
        Highest learning rate; it rises during `warmup` (a part of all steps) and falls as a cosine.
    weight_decay : float
        AdamW's, on weights of more than one dimension only (Loshchilov 2019).
    ema_decay : float
        Weights are averaged exponentially over steps; the average is validated and kept. 0 for none.
    clip_norm : float
        Largest norm of the gradient; 0 for no limit.
    dice_weight : float
        Part of the soft Dice loss beside cross-entropy, in segmentation.
    label_smoothing : float
        Probability given to the other classes, in the targets (Szegedy 2016).
    mixup_alpha : float
        Parameter of the Beta distribution that mixes two images, in classification (Zhang 2018); 0 for none.
    balance : float
        Classes are drawn in proportion to frequency**(1 - balance); 1 draws them equally often.
    foreground : float
        Part of the patches centred on a foreground voxel.
    patience : int
        Stop after this many epochs without a better validation; 0 for never.
    keep : {"best", "last"}
        Which epoch becomes the model: the best on validation, or the last (all of the schedule).
    precision : {"float32", "bfloat16"}
        bfloat16 halves the time on processors that have it and slows down others.
    mirror_axes : tuple of int
        Spatial axes flipped when the model is used (test-time augmentation).
    min_object_vox : int
        Smaller objects are removed when the model is used.
    """

    schema_version: Literal[1] = 1
    network: NetworkSpec
    input: InputSpec
    epochs: int = Field(default=50, ge=1)
    samples_per_epoch: int = Field(default=0, ge=0)
    batch: int = Field(default=2, ge=1)
    lr: float = Field(default=1e-3, gt=0)
    warmup: float = Field(default=0.1, ge=0, lt=1)
    weight_decay: float = Field(default=1e-2, ge=0)
    ema_decay: float = Field(default=0.99, ge=0, lt=1)
    clip_norm: float = Field(default=1.0, ge=0)
    dice_weight: float = Field(default=0.5, ge=0, le=1)
    label_smoothing: float = Field(default=0.0, ge=0, lt=1)
    mixup_alpha: float = Field(default=0.0, ge=0)
    balance: float = Field(default=0.0, ge=0, le=1)
    foreground: float = Field(default=0.5, ge=0, le=1)
    patience: int = Field(default=0, ge=0)
    keep: Literal["best", "last"] = "best"
    precision: Literal["float32", "bfloat16"] = "float32"
    mirror_axes: tuple[int, ...] = ()
    min_object_vox: int = Field(default=0, ge=0)
    augment: AugmentSettings = AugmentSettings()


def built_in_recipes() -> tuple[str, ...]:
    """Names of the recipes that come with this package, one for each embedded model."""
    return tuple(sorted(path.stem for path in _BUILT_IN.glob("*.json")))


def load_recipe(name_or_path: str | Path) -> Recipe:
    """Read a recipe by the name of a built-in one, or from a JSON file.

    Raises
    ------
    OptionError
        If there is no such recipe, or a field of it is wrong; names the field.
    """
    path = Path(name_or_path)
    if path.suffix != ".json":
        path = _BUILT_IN / f"{name_or_path}.json"
        if not path.is_file():
            raise OptionError(unknown_choice("recipe", str(name_or_path), built_in_recipes()))
    try:
        return Recipe.model_validate_json(path.read_bytes())
    except OSError as error:
        raise OptionError(f"{path}: the recipe cannot be read: {error.strerror}.") from error
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"])) or "the file"
        raise OptionError(f"{path}: {field} is wrong: {first['msg']}.") from error
