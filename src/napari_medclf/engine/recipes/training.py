"""How planned networks are trained, unless their family knows better."""

from __future__ import annotations

from typing import Any

from napari_medclf.domain.card import NetworkSpec
from napari_medclf.domain.input_spec import InputSpec
from napari_medclf.domain.recipe import AugmentSettings, LossSettings, OptimiserSettings, Recipe
from napari_medclf.engine.recipes.look import DataLook

SMALL_VOX = 64
"""Images up to this long are small: their first layers keep the size, and more of them fit into a step."""


def is_small(spec: InputSpec) -> bool:
    """Whether the network sees small images."""
    return max(spec.patch_vox) <= SMALL_VOX


def train_whole(look: DataLook, spec: InputSpec, target: str, arguments: dict[str, Any], **changes: Any) -> Recipe:
    """Train a network that sees whole images: for classes, or for numbers.

    Parameters
    ----------
    arguments : dict
        Of the network; its number of outputs is set by whoever plans (`outputs.with_outputs`).
    changes :
        Fields of the recipe that differ from these.
    """
    mixes = {} if look.has_numbers else {"mixup_alpha": 0.2, "loss": LossSettings(label_smoothing=0.1)}
    fields: dict[str, Any] = {
        "epochs": 40,
        "batch": 64 if is_small(spec) and spec.spatial_dims == 2 else 16,
        "optimiser": OptimiserSettings(lr=2e-3, weight_decay=0.05),
        "balance": 0.5 if look.is_exclusive and not look.has_numbers else 0.0,
        "patience": 15,
        "augment": _of_whole(look, spec),
        **mixes,
    }
    return Recipe(network=NetworkSpec(target=target, arguments=arguments), input=spec, **(fields | changes))


def train_patches(look: DataLook, spec: InputSpec, target: str, arguments: dict[str, Any], **changes: Any) -> Recipe:
    """Train a network that labels every voxel of a patch; parameters as of `train_whole`."""
    is_flat = spec.spatial_dims == 2
    fields: dict[str, Any] = {
        "epochs": 60,
        "samples_per_epoch": 64,
        "batch": 4 if is_flat else 2,
        "optimiser": OptimiserSettings(lr=3e-3, weight_decay=0.02),
        "patience": 20,
        "augment": _of_patches(spec),
    }
    return Recipe(network=NetworkSpec(target=target, arguments=arguments), input=spec, **(fields | changes))


def _of_whole(look: DataLook, spec: InputSpec) -> AugmentSettings:
    # An erased box may hold what is counted or measured.
    cutout = 0.0 if look.has_numbers else 0.3
    return AugmentSettings(
        flip_axes=(spec.spatial_dims - 1,), rotate_deg=15, scale=0.15, stretch=0.1, shift=0.1, gain=0.3, bias=0.2,
        gamma=0.3, noise_sd=0.05, cutout=cutout,
    )  # fmt: skip


def _of_patches(spec: InputSpec) -> AugmentSettings:
    # Left and right differ inside a body, so only flat pictures are flipped and turned freely.
    is_flat = spec.spatial_dims == 2
    return AugmentSettings(
        flip_axes=(0, 1) if is_flat else (), quarter_turns=is_flat, rotate_deg=15, scale=0.2, stretch=0.1,
        affine_probability=0.6, gain=0.3, bias=0.2, channel_gain=0.1 if len(spec.channels) == 3 else 0.0, gamma=0.3,
        noise_sd=0.05,
    )  # fmt: skip
