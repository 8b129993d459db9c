"""What is tried when nobody chooses, for each task."""

from __future__ import annotations

import re
from collections.abc import Sequence

from napari_medclf.domain.card import Task
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
_CLASSIC = {Task.CLASSIFY: ("logistic", "svm", "forest", "boosting")}
_EPOCHS = 100
"""No member needs to see small data more often; the time limit ends most earlier."""
_SIDE = re.compile(r"(?<![a-z])(left|right|lt|rt)(?![a-z])", re.IGNORECASE)


def deep_names(task: Task) -> tuple[str, ...]:
    """List the families of networks that are tried, the first choice first."""
    known = {one.name for one in families(task)}
    return tuple(name for name in _DEEP.get(task, ()) if name in known)


def classic_names(task: Task) -> tuple[str, ...]:
    """List the families of classic models that are tried."""
    known = {one.name for one in families(task)}
    return tuple(name for name in _CLASSIC.get(task, ()) if name in known)


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
            "epochs": max(recipe.epochs, _EPOCHS),
            "patience": 0,
            "keep": "last",
            "augment": recipe.augment.model_copy(update={"flip_axes": flips}),
            "mirror_axes": flips,
        }
    )


def has_sides(names: Sequence[str]) -> bool:
    """Whether a class is about one side of the body, which mirroring would exchange for the other.

    Examples
    --------
    >>> has_sides(["kidney-left", "spleen"]), has_sides(["bright lesion"])
    (True, False)
    """
    return any(_SIDE.search(name) for name in names)
