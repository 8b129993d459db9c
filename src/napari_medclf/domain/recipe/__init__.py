"""How a network is trained, as values that are stored beside the model."""

from napari_medclf.domain.recipe.augment_settings import AugmentSettings
from napari_medclf.domain.recipe.loss_settings import LossSettings
from napari_medclf.domain.recipe.optimiser_settings import AveragingSettings, OptimiserSettings, ScheduleSettings
from napari_medclf.domain.recipe.recipe import Recipe
from napari_medclf.domain.recipe.transfer_settings import TransferSettings
from napari_medclf.domain.recipe.way import Way

__all__ = [
    "AugmentSettings",
    "AveragingSettings",
    "LossSettings",
    "OptimiserSettings",
    "Recipe",
    "ScheduleSettings",
    "TransferSettings",
    "Way",
]
