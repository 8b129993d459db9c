"""What is tried when nobody chooses, for each task."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from napari_medclf.domain.card import NetworkSpec, Task
from napari_medclf.domain.input_spec import Intensity
from napari_medclf.domain.recipe import AugmentSettings, Recipe
from napari_medclf.engine.recipes.look import DataLook
from napari_medclf.engine.recipes.registry import families

AUTO = "auto"
"""What ``--recipe`` takes for it."""

_DEEP = {
    Task.CLASSIFY: ("small-resnet",),
    Task.REGRESS: ("small-resnet",),
    Task.SEGMENT: ("unet",),
    Task.INSTANCES: ("unet",),
}
_EPOCHS = 100
"""No member needs to see small data more often; the time limit ends most earlier."""
_ROBUST = AugmentSettings(
    rotate_deg=15, scale=0.15, stretch=0.1, shear=0.1, shift=0.1, gain=0.4, bias=0.4, gamma=0.4, noise_sd=0.2,
    blur_vox=0.7, cutout=0.4,
)  # fmt: skip
"""For input of standard deviation 1. Validation images come from the devices of the training images and cannot tell how
much of it other devices ask for: as much is taken as does no harm."""
_TONES = ("gain", "bias", "gamma", "noise_sd", "blur_vox", "cutout")
"""What is left out for images of black and white: those are outlines that somebody or something has drawn. No device
makes them noisy, and a hole in one is another form."""
_WIDTHS = [24, 48, 96, 160]
_FEW_TONES = 2
_SD_OF_RANGE = 0.25
"""Of pictures from 0 to 1, about."""
_SIDE = re.compile(r"(?<![a-z])(left|right|lt|rt)(?![a-z])", re.IGNORECASE)


def deep_names(task: Task) -> tuple[str, ...]:
    """List the families of networks that are tried, the first choice first."""
    known = {one.name for one in families(task)}
    return tuple(name for name in _DEEP.get(task, ()) if name in known)


def has_classic_models(task: Task) -> bool:
    """Whether classic models are tried beside the networks."""
    return task is Task.CLASSIFY


def tuned(recipe: Recipe, look: DataLook, *, is_brightness_kept: bool = False) -> Recipe:
    """Change a planned recipe into one for a member of an ensemble that is trained within a time.

    Parameters
    ----------
    is_brightness_kept : bool
        Whether classes differ in brightness by themselves, so that it must not be taken out of the images.

    Notes
    -----
    The last epoch is kept: its weights are averaged at a low learning rate, and the best of many epochs on a small
    validation set is best by luck. What is mirrored in training is mirrored in use, and nothing is where a class has a
    side.
    """
    flips = () if has_sides(look.schema.names) else recipe.augment.flip_axes
    if look.task is Task.CLASSIFY:
        recipe = _for_classes(recipe, has_tones=_has_tones(look), is_brightness_kept=is_brightness_kept)
    return recipe.model_copy(
        update={
            "network": _quick_start(recipe),
            "precision": "bfloat16" if knows_bfloat16() else recipe.precision,
            "epochs": max(recipe.epochs, _EPOCHS),
            "patience": 0,
            "keep": "last",
            "augment": recipe.augment.model_copy(update={"flip_axes": flips}),
            "mirror_axes": flips,
        }
    )


def _for_classes(recipe: Recipe, *, has_tones: bool, is_brightness_kept: bool) -> Recipe:
    """Make a classifier that other devices and settings do not put off, and that is told how common classes are.

    Parameters
    ----------
    has_tones : bool
        Whether images are more than black and white; only then tones are changed at random.
    is_brightness_kept : bool
        Gray pictures are brought to the same mean and contrast unless this is true.

    Notes
    -----
    Classes are drawn as often as they come, or else probabilities would be those of other data.
    """
    spec = recipe.input
    if len(spec.channels) == 1 and spec.intensity.kind == "range" and has_tones and not is_brightness_kept:
        spec = spec.model_copy(update={"intensity": Intensity(kind="zscore")})
    scale = 1.0 if spec.intensity.kind == "zscore" else _SD_OF_RANGE
    changed = {name: getattr(_ROBUST, name) * scale for name in ("bias", "noise_sd")}
    if not has_tones:
        changed = dict.fromkeys(_TONES, 0.0)
    return recipe.model_copy(
        update={
            "input": spec,
            "augment": _ROBUST.model_copy(update={**changed, "flip_axes": recipe.augment.flip_axes}),
            "balance": 0.0,
            "optimiser": recipe.optimiser.model_copy(update={"lr": 3e-3}),
        }
    )


def _has_tones(look: DataLook) -> bool:
    """Whether images are more than black and white, which say the same at any brightness."""
    return any(len(np.unique(image.data)) > _FEW_TONES for image in look.images)


def knows_bfloat16() -> bool:
    """Whether this processor multiplies bfloat16 itself; others are slower with it."""
    import torch

    return torch.cuda.is_available() or bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())  # noqa: SLF001  (torch 2.13 has no public name for it)


def _quick_start(recipe: Recipe) -> NetworkSpec:
    """Let a residual network halve volumes at once: an eighth of the time, and small volumes are smooth.

    For flat pictures it is made wider, which costs less there.
    """
    arguments = dict(recipe.network.arguments)
    if recipe.input.spatial_dims == 2 and "block_inplanes" in arguments:
        arguments |= {"block_inplanes": _WIDTHS}
    if recipe.input.spatial_dims == 3 and arguments.get("conv1_t_stride") == 1:
        arguments |= {"conv1_t_stride": 2, "conv1_t_size": 5}
    return recipe.network.model_copy(update={"arguments": arguments})


def has_sides(names: Sequence[str]) -> bool:
    """Whether a class is about one side of the body, which mirroring would exchange for the other.

    Examples
    --------
    >>> has_sides(["kidney-left", "spleen"]), has_sides(["bright lesion"])
    (True, False)
    """
    return any(_SIDE.search(name) for name in names)
