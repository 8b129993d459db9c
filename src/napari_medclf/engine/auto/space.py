"""Which settings of a recipe a search may change, and how far."""

from __future__ import annotations

from typing import Any

from napari_medclf.domain.recipe import AugmentSettings, Recipe

_STRENGTHS = (
    "rotate_deg", "scale", "stretch", "shear", "shift", "elastic_vox", "gain", "bias", "channel_gain", "gamma",
    "noise_sd", "blur_vox", "cutout",
)  # fmt: skip
_LARGEST = {"rotate_deg": 180.0, "shift": 1.0, "cutout": 1.0}


def own_values(recipe: Recipe) -> dict[str, float]:
    """Where in the space the recipe itself lies."""
    values = {
        "learning rate": recipe.optimiser.lr,
        "weight decay": max(recipe.optimiser.weight_decay, 1e-5),
        "augmentation": 1.0,
        "averaging": recipe.averaging.decay,
    }
    if _is_of_regions(recipe):
        return values | {"region weight": recipe.loss.region_weight}
    return values | {"label smoothing": recipe.loss.label_smoothing, "mixup": recipe.mixup_alpha}


def suggest(trial: Any, recipe: Recipe) -> Recipe:
    """Change a recipe as a trial proposes.

    Parameters
    ----------
    trial : optuna.trial.BaseTrial
        Asked for a number of each name of `own_values`.
    """
    lr = trial.suggest_float("learning rate", recipe.optimiser.lr / 10, recipe.optimiser.lr * 10, log=True)
    decay = trial.suggest_float("weight decay", 1e-5, 0.3, log=True)
    strength = trial.suggest_float("augmentation", 0.25, 2.0)
    averaging = trial.suggest_float("averaging", 0.0, 0.999)
    changes: dict[str, Any] = {
        "optimiser": recipe.optimiser.model_copy(update={"lr": lr, "weight_decay": decay}),
        "augment": stronger(recipe.augment, strength),
        "averaging": recipe.averaging.model_copy(update={"decay": averaging}),
    }
    if _is_of_regions(recipe):
        weight = trial.suggest_float("region weight", 0.0, 1.0)
        changes["loss"] = recipe.loss.model_copy(update={"region_weight": weight})
    else:
        smoothing = trial.suggest_float("label smoothing", 0.0, 0.3)
        changes["loss"] = recipe.loss.model_copy(update={"label_smoothing": smoothing})
        changes["mixup_alpha"] = trial.suggest_float("mixup", 0.0, 1.0)
    return recipe.model_copy(update=changes)


def stronger(settings: AugmentSettings, factor: float) -> AugmentSettings:
    """Change images further at random, or less far; what is switched off stays off."""
    changed = {name: getattr(settings, name) * factor for name in _STRENGTHS}
    limited = {name: min(value, _LARGEST.get(name, value)) for name, value in changed.items()}
    return settings.model_copy(update=limited)


def _is_of_regions(recipe: Recipe) -> bool:
    """Whether label images are learned: they have no one size."""
    return recipe.input.resize_to is None
