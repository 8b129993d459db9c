"""What is tried when nobody chooses, for each task."""

from __future__ import annotations

import re
from collections.abc import Sequence

from napari_medclf.domain.card import NetworkSpec, Task
from napari_medclf.domain.recipe import Recipe
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
_SIDE = re.compile(r"(?<![a-z])(left|right|lt|rt)(?![a-z])", re.IGNORECASE)


def deep_names(task: Task) -> tuple[str, ...]:
    """List the families of networks that are tried, the first choice first."""
    known = {one.name for one in families(task)}
    return tuple(name for name in _DEEP.get(task, ()) if name in known)


def has_classic_models(task: Task) -> bool:
    """Whether classic models are tried beside the networks."""
    return task is Task.CLASSIFY


def tuned(recipe: Recipe, look: DataLook) -> Recipe:
    """Change a planned recipe into one for a member of an ensemble that is trained within a time.

    Notes
    -----
    The last epoch is kept: its weights are averaged at a low learning rate, and the best of many epochs on a small
    validation set is best by luck. What is mirrored in training is mirrored in use, and nothing is where a class has a
    side.
    """
    flips = () if has_sides(look.schema.names) else recipe.augment.flip_axes
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


def knows_bfloat16() -> bool:
    """Whether this processor multiplies bfloat16 itself; others are slower with it."""
    import torch

    return torch.cuda.is_available() or bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())  # noqa: SLF001  (torch 2.13 has no public name for it)


def _quick_start(recipe: Recipe) -> NetworkSpec:
    """Let a residual network halve volumes at once: an eighth of the time, and small volumes are smooth."""
    arguments = dict(recipe.network.arguments)
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
