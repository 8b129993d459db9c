"""All families of recipes, by name."""

from __future__ import annotations

from napari_medclf.domain.card import Task
from napari_medclf.domain.errors import OptionError, unknown_choice
from napari_medclf.engine.recipes.families import (
    attention,
    classic,
    clicks,
    cnn,
    detection,
    segmenters,
    self_configured,
    small,
)
from napari_medclf.engine.recipes.family import RecipeFamily

_MODULES = (small, cnn, attention, segmenters, self_configured, clicks, detection, classic)
"""Each lists its own in ``FAMILIES``."""
_DEFAULTS = {
    Task.CLASSIFY: "small-resnet",
    Task.REGRESS: "small-resnet",
    Task.SEGMENT: "unet",
    Task.INSTANCES: "unet",
    Task.DETECT: "retinanet",
}
"""What is planned when nobody chooses."""


def families(task: Task | None = None) -> tuple[RecipeFamily, ...]:
    """List the families, or those that can learn one task."""
    known = [one for module in _MODULES for one in module.FAMILIES]
    return tuple(one for one in known if task is None or task in one.tasks)


def family(name: str) -> RecipeFamily:
    """Find a family by its name.

    Raises
    ------
    OptionError
        If there is none; the message names the nearest one.
    """
    known = {one.name: one for one in families()}
    if name not in known:
        raise OptionError(unknown_choice("recipe", name, known))
    return known[name]


def default_names() -> dict[str, str]:
    """Give the name of what is planned for each task when nobody chooses."""
    return {task.value: name for task, name in _DEFAULTS.items()}


def default_family(task: Task) -> RecipeFamily:
    """Give what is planned when nobody chooses.

    Raises
    ------
    OptionError
        If nothing here learns the task.
    """
    if task not in _DEFAULTS:
        raise OptionError(f"No recipe here learns to {task.value}.")
    return family(_DEFAULTS[task])
