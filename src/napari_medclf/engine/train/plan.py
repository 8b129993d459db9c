"""Choose a recipe from what is to be learned and what the images look like."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from napari_medclf.domain.card import NetworkSpec, Task
from napari_medclf.domain.errors import CardError
from napari_medclf.domain.geometry import Unit
from napari_medclf.domain.image import ChannelKind, MedImage, Scale
from napari_medclf.domain.input_spec import InputSpec, Intensity
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.recipe import AugmentSettings, LossSettings, OptimiserSettings, Recipe
from napari_medclf.engine.augment.targets import N_INSTANCE_CHANNELS

_DIVISOR = 16
"""A U-Net of five levels halves its input four times."""
_SMALLEST_SIDE_VOX = 32
"""In the plane: the lowest level needs more than one voxel to normalise over."""
_MIN_SLICES = 12
"""Fewer slices than this are seen one by one: there is too little along that axis to learn from."""
_PATCH_VOX = {2: 256 * 256, 3: 96_000}
"""A step of this size takes a fraction of a second on a laptop."""
_IMAGE_VOX = {2: 128, 3: 48}
"""Longest side a whole image is shrunk to for classification."""
_OUTPUT_ARGUMENT = {"ResNet": "num_classes", "EfficientNetBN": "num_classes", "SEResNet50": "num_classes"}


def n_outputs(task: Task, schema: LabelSchema) -> int:
    """Output channels that a network needs for a task."""
    if task is Task.INSTANCES:
        return N_INSTANCE_CHANNELS
    return len(schema) if task is Task.CLASSIFY else len(schema.foreground) + 1


def with_outputs(network: NetworkSpec, n: int) -> NetworkSpec:
    """The same network for another number of output channels.

    Raises
    ------
    CardError
        If it is not clear which argument that is.
    """
    name = network.target.rpartition(".")[2]
    argument = _OUTPUT_ARGUMENT.get(name, "out_channels")
    if argument not in network.arguments:
        raise CardError(f"The network {network.target} has no argument {argument!r} for its number of classes.")
    return network.model_copy(update={"arguments": {**network.arguments, argument: n}})


def plan_recipe(task: Task, schema: LabelSchema, images: Sequence[MedImage]) -> Recipe:
    """Choose network, input and training settings.

    Parameters
    ----------
    images : sequence of MedImage
        A few of the training images, never of the test images.

    Raises
    ------
    CardError
        If there is no image to plan from.
    """
    if not images:
        raise CardError("A training cannot be planned without a single readable image.")
    spatial_dims = _spatial_dims(images)
    spacing_mm = None if task is Task.CLASSIFY else _spacing_mm(images, spatial_dims)
    size = _model_size(images, spatial_dims, spacing_mm)
    fields: dict[str, Any] = {
        "spatial_dims": spatial_dims,
        "channels": _channels(images[0]),
        "intensity": _intensity(images),
        "modality": tuple(sorted({image.modality for image in images} - {""})),
        "axis_codes": _axis_codes(images, spatial_dims),
    }
    if task is Task.CLASSIFY:
        whole = _shrink(size, _IMAGE_VOX[spatial_dims])
        return _classifier(InputSpec(**fields, resize_to=whole, patch_vox=whole), len(schema))
    patch = _patch(size, _PATCH_VOX[spatial_dims])
    spec = InputSpec(**fields, spacing_mm=spacing_mm, patch_vox=patch, divisible_by=_DIVISOR)
    return _segmenter(spec, n_outputs(task, schema))


def _classifier(spec: InputSpec, n_classes: int) -> Recipe:
    is_small = max(spec.patch_vox) <= 64
    arguments = {
        "block": "basic",
        "layers": [1, 1, 1, 1],
        "block_inplanes": [16, 32, 64, 128],
        "spatial_dims": spec.spatial_dims,
        "n_input_channels": len(spec.channels),
        "num_classes": n_classes,
        "conv1_t_size": 3 if is_small else 7,
        "conv1_t_stride": 1 if is_small else 2,
        "no_max_pool": is_small,
    }
    augment = AugmentSettings(
        flip_axes=(spec.spatial_dims - 1,), rotate_deg=15, scale=0.15, stretch=0.1, shift=0.1, gain=0.3, bias=0.2,
        gamma=0.3, noise_sd=0.05, cutout=0.3,
    )  # fmt: skip
    return Recipe(
        network=NetworkSpec(target="monai.networks.nets.ResNet", arguments=arguments),
        input=spec,
        epochs=40,
        batch=64 if is_small else 16,
        optimiser=OptimiserSettings(lr=2e-3, weight_decay=0.05),
        loss=LossSettings(label_smoothing=0.1),
        mixup_alpha=0.2,
        balance=0.5,
        patience=15,
        augment=augment,
    )


def _segmenter(spec: InputSpec, n_channels: int) -> Recipe:
    arguments = {
        "spatial_dims": spec.spatial_dims,
        "in_channels": len(spec.channels),
        "out_channels": n_channels,
        "features": [16, 16, 32, 64, 64, 16] if spec.spatial_dims == 3 else [16, 24, 48, 96, 128, 16],
        "act": ["LeakyReLU", {"negative_slope": 0.01, "inplace": True}],
        "norm": ["instance", {"affine": True}],
    }
    # Left and right differ inside a body, so only flat pictures are flipped and turned freely.
    is_flat = spec.spatial_dims == 2
    augment = AugmentSettings(
        flip_axes=(0, 1) if is_flat else (), quarter_turns=is_flat, rotate_deg=15, scale=0.2, stretch=0.1,
        affine_probability=0.6, gain=0.3, bias=0.2, channel_gain=0.1 if len(spec.channels) == 3 else 0.0, gamma=0.3,
        noise_sd=0.05,
    )  # fmt: skip
    return Recipe(
        network=NetworkSpec(target="monai.networks.nets.BasicUNet", arguments=arguments),
        input=spec,
        epochs=60,
        samples_per_epoch=64,
        batch=4 if is_flat else 2,
        optimiser=OptimiserSettings(lr=3e-3, weight_decay=0.02),
        patience=20,
        augment=augment,
    )


def _spatial_dims(images: Sequence[MedImage]) -> Literal[2, 3]:
    n_slices = float(np.median([image.geometry.shape[0] for image in images]))
    return 3 if n_slices >= _MIN_SLICES else 2


def _channels(image: MedImage) -> tuple[str, ...]:
    if image.channel_kind is ChannelKind.COLOUR:
        return ("red", "green", "blue")
    if image.n_channels == 1:
        return ("gray",)
    return image.channel_names or tuple(f"channel {number}" for number in range(1, image.n_channels + 1))


def _intensity(images: Sequence[MedImage]) -> Intensity:
    if all(image.scale is Scale.HU for image in images):
        low, high = np.percentile(np.concatenate([_thinned(image) for image in images]), [0.5, 99.5])
        return Intensity(kind="window", low=float(round(low)), high=float(round(max(high, low + 1))))
    if all(image.data.dtype == np.uint8 for image in images):
        return Intensity(kind="range")
    return Intensity(kind="zscore", low=0.5, high=99.5)


def _thinned(image: MedImage) -> np.ndarray[Any, Any]:
    flat = np.asarray(image.data).reshape(-1)
    return flat[:: max(flat.size // 100_000, 1)].astype(np.float32)


def _axis_codes(images: Sequence[MedImage], spatial_dims: int) -> str | None:
    if spatial_dims == 2 or any(image.geometry.unit is Unit.PIXEL for image in images):
        return None
    return Counter(image.geometry.axis_codes for image in images).most_common(1)[0][0]


def _spacing_mm(images: Sequence[MedImage], spatial_dims: int) -> tuple[float, ...] | None:
    if any(image.geometry.unit is Unit.PIXEL for image in images):
        return None
    median = np.median([image.geometry.spacing for image in images], axis=0)
    return tuple(round(float(one), 3) for one in median[-spatial_dims:])


def _model_size(
    images: Sequence[MedImage], spatial_dims: int, spacing_mm: tuple[float, ...] | None
) -> tuple[float, ...]:
    shapes = np.array([image.geometry.shape for image in images], dtype=float)
    if spacing_mm is not None:
        spacings = np.array([image.geometry.spacing for image in images])
        shapes[:, -spatial_dims:] *= spacings[:, -spatial_dims:] / np.array(spacing_mm)
    return tuple(float(one) for one in np.median(shapes, axis=0)[-spatial_dims:])


def _shrink(size: Sequence[float], longest: int) -> tuple[int, ...]:
    factor = min(longest / max(size), 1.0)
    return tuple(max(round(one * factor), 8) for one in size)


def _patch(size: Sequence[float], most_vox: int) -> tuple[int, ...]:
    """Shrink the longest side until the patch is small enough; sides are multiples of the divisor."""
    patch = [_DIVISOR * max(round(one / _DIVISOR), 1) for one in size]
    patch[-2:] = [max(one, _SMALLEST_SIDE_VOX) for one in patch[-2:]]
    while np.prod(patch) > most_vox:
        longest = int(np.argmax(patch))
        patch[longest] -= _DIVISOR
    return tuple(patch)
