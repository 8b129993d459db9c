"""Networks that find objects as boxes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from napari_medclf.domain.arrays import FloatArray
from napari_medclf.domain.card import NetworkSpec, Task
from napari_medclf.domain.errors import CardError
from napari_medclf.domain.input_spec import InputSpec
from napari_medclf.domain.recipe import AugmentSettings, LossSettings, OptimiserSettings, Recipe
from napari_medclf.engine.recipes.anchor_shapes import choose_anchors
from napari_medclf.engine.recipes.family import RecipeFamily
from napari_medclf.engine.recipes.inputs import cut_patch
from napari_medclf.engine.recipes.look import DataLook

_SMALL_BOX_VOX = 20
"""Edge that small boxes (the 10th percentile) get on the model grid: five steps of the pyramid's finest level."""
_RETURNED_LAYERS, _SCALES = (2, 3), (1, 2, 4)
_DIVISOR = 16
"""Steps of the pyramid's coarsest level."""
_PATCH_VOX = {2: 512 * 512, 3: 64**3}
_FINER, _COARSER = 0.5, 8.0
"""Limits of the model's spacing, as multiples of the images': small objects are enlarged at most twice."""
_FEWEST_SAMPLES = 64


def _plan_retinanet(look: DataLook) -> Recipe:
    if not any(len(one) for one in look.boxes):
        raise CardError("Not one of the images that were looked at has a box, so that no anchors can be chosen.")
    spec, sizes_vox = _in_pixels(look) if look.spacing_mm is None else _in_mm(look, look.spacing_mm)
    is_flat = spec.spatial_dims == 2
    arguments = {
        "spatial_dims": spec.spatial_dims,
        "in_channels": len(spec.channels),
        "out_channels": len(look.schema),
        "feature_map_scales": list(_SCALES),
        "base_anchor_shapes": [list(one) for one in choose_anchors(sizes_vox, len(_SCALES))],
        "n_channels": 16,
        "layers": [1, 1, 1, 1],
        "n_features": 64 if is_flat else 32,
        "returned_layers": list(_RETURNED_LAYERS),
    }
    return Recipe(
        network=NetworkSpec(target="napari_medclf.engine.nets.RetinaDetector", arguments=arguments),
        input=spec,
        epochs=60,
        samples_per_epoch=max(look.n_train, _FEWEST_SAMPLES),
        batch=4 if is_flat else 2,
        loss=LossSettings(kind="focal", region="none"),
        optimiser=OptimiserSettings(lr=1e-3),
        foreground=0.7,
        patience=20,
        augment=_augment(spec),
    )


def _augment(spec: InputSpec) -> AugmentSettings:
    # A turned box is no box: its edges would lie off the object. Left and right differ inside a body.
    is_flat = spec.spatial_dims == 2
    return AugmentSettings(
        flip_axes=(0, 1) if is_flat else (), quarter_turns=is_flat, scale=0.2, stretch=0.1, affine_probability=0.6,
        gain=0.3, bias=0.2, channel_gain=0.1 if len(spec.channels) == 3 else 0.0, gamma=0.3, noise_sd=0.05,
    )  # fmt: skip


def _in_pixels(look: DataLook) -> tuple[InputSpec, FloatArray]:
    """See images without a scale at one size, at which small boxes have the wanted edge."""
    size = np.array(look.size_vox())
    n = look.spatial_dims
    edges = np.concatenate(
        [
            _edges(boxes, n) * size / image.geometry.shape[-n:]
            for boxes, image in zip(look.boxes, look.images, strict=True)
        ]
    )
    factor = min(_SMALL_BOX_VOX / _small(np.exp(np.log(edges).mean(axis=1, keepdims=True)))[0], 1 / _FINER)
    whole = tuple(max(round(one * factor), _DIVISOR) for one in size.tolist())
    return InputSpec(
        **_common(look), resize_to=whole, patch_vox=_patch(whole, n), divisible_by=_DIVISOR
    ), edges * factor


def _in_mm(look: DataLook, own_mm: tuple[float, ...]) -> tuple[InputSpec, FloatArray]:
    """See volumes at a spacing at which small boxes have the wanted edge along each axis."""
    n = look.spatial_dims
    pairs = zip(look.boxes, look.images, strict=True)
    edges_mm = np.concatenate([_edges(boxes, n) * image.geometry.spacing[-n:] for boxes, image in pairs])
    wanted = _small(edges_mm) / _SMALL_BOX_VOX
    own = np.array(own_mm)
    spacing = tuple(round(float(one), 3) for one in np.clip(wanted, _FINER * own, _COARSER * own))
    patch = _patch(look.size_vox(spacing), n)
    return InputSpec(**_common(look), spacing_mm=spacing, patch_vox=patch, divisible_by=_DIVISOR), edges_mm / spacing


def _edges(boxes: FloatArray, n: int) -> FloatArray:
    return np.asarray((boxes[:, 1] - boxes[:, 0])[:, -n:])


def _small(edges: FloatArray) -> FloatArray:
    return np.asarray(np.percentile(edges, 10, axis=0))


def _patch(size: tuple[float, ...], n: int) -> tuple[int, ...]:
    return cut_patch([_DIVISOR * math.ceil(one / _DIVISOR) for one in size], _DIVISOR, _PATCH_VOX[n])


def _common(look: DataLook) -> dict[str, Any]:
    return {
        "spatial_dims": look.spatial_dims,
        "channels": look.channels,
        "intensity": look.intensity,
        "modality": look.modality,
        "axis_codes": look.axis_codes,
    }


FAMILIES = (
    RecipeFamily(
        "retinanet",
        "RetinaNet",
        (Task.DETECT,),
        (2, 3),
        "MONAI's RetinaNet on a small residual network with a feature pyramid. Anchors, and the size at which images "
        "are seen, follow from the boxes of the training data.",
        _plan_retinanet,
        "Lin 2017, Focal loss for dense object detection; Zhang 2020, ATSS",
        {
            "base_anchor_shapes": "edges of the finest level's anchors, in voxels",
            "n_channels": "channels of the first stage, a multiple of 8; each further stage has twice as many",
            "n_features": "channels of the pyramid, a multiple of 8",
            "layers": "residual blocks of each stage",
        },
    ),
)
