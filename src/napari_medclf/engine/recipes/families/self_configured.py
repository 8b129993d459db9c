"""A U-Net that configures itself from a fingerprint of the data, by nnU-Net's rules (Isensee 2021)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from napari_medclf.domain.card import Task
from napari_medclf.domain.input_spec import InputSpec
from napari_medclf.domain.recipe import (
    AugmentSettings,
    AveragingSettings,
    LossSettings,
    OptimiserSettings,
    Recipe,
    ScheduleSettings,
)
from napari_medclf.engine.recipes.family import RecipeFamily
from napari_medclf.engine.recipes.fingerprint import take_fingerprint
from napari_medclf.engine.recipes.look import DataLook
from napari_medclf.engine.recipes.outputs import n_outputs
from napari_medclf.engine.recipes.topology import Topology, fit_patch
from napari_medclf.engine.recipes.training import train_patches

_MOST_CHANNELS = {2: 512, 3: 320}
_FEWEST_LEVELS = 3
"""MONAI's DynUNet needs a top, a bottom and one between."""
_LARGEST_PART = 0.05
"""Of all voxels of the data that a step may see (nnU-Net)."""


@dataclass(frozen=True)
class _Budget:
    """What a step may cost.

    Parameters
    ----------
    patch_vox : dict
        Voxels of a patch, by dimension.
    channels : int
        Of the top level.
    batch : dict
        Patches a step at most, by dimension.
    """

    patch_vox: dict[int, int]
    channels: int
    batch: dict[int, int]


_LAPTOP = _Budget({2: 256 * 256, 3: 110_000}, 16, {2: 8, 3: 2})
# What nnU-Net plans for 8 GB: 128 x 128 x 128 with 2 patches, or 512 x 512 with about 12.
_WORKSTATION = _Budget({2: 512 * 512, 3: 128**3}, 32, {2: 12, 3: 2})


def _plan_on_laptop(look: DataLook) -> Recipe:
    return _plan(look, _LAPTOP, loss=LossSettings(is_deeply_supervised=True))


def _plan_as_nnunet(look: DataLook) -> Recipe:
    return _plan(
        look,
        _WORKSTATION,
        epochs=1000,
        loss=LossSettings(is_deeply_supervised=True),
        optimiser=OptimiserSettings(kind="sgd", lr=0.01, momentum=0.99, weight_decay=3e-5, clip_norm=12.0),
        schedule=ScheduleSettings(kind="poly", warmup=0.0, lowest=0.0),
        averaging=AveragingSettings(kind="none"),
        foreground=0.33,
        patience=0,
        keep="last",
        precision="float32",
        resampling="cubic",
        batches=250,
    )


def _plan(look: DataLook, budget: _Budget, **changes: Any) -> Recipe:
    found = take_fingerprint(look)
    dims = look.spatial_dims
    topology = fit_patch(found.size_vox, found.spacing_mm, budget.patch_vox[dims])
    spec = InputSpec(
        spatial_dims=dims,
        channels=look.channels,
        intensity=found.intensity,
        modality=look.modality,
        axis_codes=look.axis_codes,
        spacing_mm=None if look.is_in_pixels else found.spacing_mm,
        patch_vox=topology.patch_vox,
        divisible_by=topology.step_vox,
        overlap=0.5,
        resampling=changes.pop("resampling", "area"),
    )
    batch = _batch(look, topology, budget)
    n_batches = changes.pop("batches", 32)
    fields = {"batch": batch, "samples_per_epoch": batch * n_batches, "augment": _augment(spec), **changes}
    return train_patches(look, spec, "monai.networks.nets.DynUNet", _network(look, topology, budget), **fields)


def _network(look: DataLook, topology: Topology, budget: _Budget) -> dict[str, Any]:
    strides = [list(one) for one in topology.strides]
    kernels = [list(one) for one in topology.kernels]
    while len(strides) < _FEWEST_LEVELS:  # tiny images are not halved so often
        strides.append([1] * look.spatial_dims)
        kernels.append([3] * look.spatial_dims)
    most = _MOST_CHANNELS[look.spatial_dims]
    return {
        "spatial_dims": look.spatial_dims,
        "in_channels": len(look.channels),
        "out_channels": n_outputs(look.task, look.schema),
        "kernel_size": kernels,
        "strides": strides,
        "upsample_kernel_size": strides[1:],
        "filters": [min(budget.channels * 2**level, most) for level in range(len(strides))],
        "norm_name": ["INSTANCE", {"affine": True}],
        "deep_supervision": len(strides) > _FEWEST_LEVELS,
        # All scales but the two lowest answer, as in nnU-Net.
        "deep_supr_num": max(len(strides) - _FEWEST_LEVELS, 1),
    }


def _batch(look: DataLook, topology: Topology, budget: _Budget) -> int:
    """As many patches as the budget allows, but no more than a twentieth of the data, and two at least."""
    dims = look.spatial_dims
    patch = math.prod(topology.patch_vox)
    by_memory = budget.patch_vox[dims] * budget.batch[dims] // patch
    by_data = _LARGEST_PART * math.prod(look.size_vox()) * max(look.n_train, 1) / patch
    return max(min(by_memory, int(by_data), 4 * budget.batch[dims]), 2)


def _augment(spec: InputSpec) -> AugmentSettings:
    """nnU-Net's: wide turns and scales, noise, blur, brightness, contrast, low resolution, gamma."""
    is_flat = spec.spatial_dims == 2
    is_anisotropic = max(spec.patch_vox) > 3 * min(spec.patch_vox)
    return AugmentSettings(
        flip_axes=(0, 1) if is_flat else (), rotate_deg=180 if is_flat else 10 if is_anisotropic else 30, scale=0.4,
        affine_probability=0.3, gain=0.25, bias=0.1, gamma=0.5, noise_sd=0.1, blur_vox=0.5, low_resolution=1.0,
    )  # fmt: skip


_ARGUMENTS = {
    "filters": "channels of each level, the top first",
    "kernel_size": "of the convolutions of each level, a number an axis",
    "strides": "halving into each level, a number an axis",
    "deep_supervision": "whether lower levels answer while it learns",
    "deep_supr_num": "how many of them",
    "res_block": "whether blocks have shortcuts",
}
_SOURCE = "Isensee 2021, nnU-Net: a self-configuring method for deep learning-based biomedical image segmentation"

FAMILIES = (
    RecipeFamily(
        "dynunet",
        "Self-configuring U-Net",
        (Task.SEGMENT, Task.INSTANCES),
        (2, 3),
        "Spacing, intensity, patch, depth and kernels follow from a fingerprint of the data by nnU-Net's rules, with "
        "patches and channels that a laptop can train. The choice for voxels that are longer than wide.",
        _plan_on_laptop,
        _SOURCE,
        _ARGUMENTS,
    ),
    RecipeFamily(
        "dynunet-large",
        "Self-configuring U-Net, as large as nnU-Net's",
        (Task.SEGMENT, Task.INSTANCES),
        (2, 3),
        "The same with nnU-Net's own budget and training: patches for 8 GB of graphics memory, 32 channels at the top, "
        "1000 epochs of 250 steps of SGD. Needs a GPU.",
        _plan_as_nnunet,
        _SOURCE,
        _ARGUMENTS,
    ),
)
