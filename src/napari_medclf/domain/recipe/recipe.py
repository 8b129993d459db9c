"""Everything that decides how a network is trained, apart from data, seed and time limit."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from napari_medclf.domain.card import NetworkSpec
from napari_medclf.domain.input_spec import InputSpec
from napari_medclf.domain.recipe.augment_settings import AugmentSettings
from napari_medclf.domain.recipe.loss_settings import LossSettings
from napari_medclf.domain.recipe.optimiser_settings import AveragingSettings, OptimiserSettings, ScheduleSettings
from napari_medclf.domain.recipe.transfer_settings import TransferSettings


class Recipe(BaseModel):
    """A training, as a value that is stored beside the model.

    Parameters
    ----------
    family : str
        The recipe's name in the registry that planned it; empty for one that a person wrote.
    network, input : NetworkSpec, InputSpec
        What is trained, and on what; they go into the card unchanged.
    epochs : int
        An epoch is `samples_per_epoch` samples, then one validation.
    samples_per_epoch : int
        Patches or images an epoch; 0 means each case once.
    batch : int
        Samples a step.
    mixup_alpha, cutmix_alpha : float
        Parameter of the Beta distribution that mixes two images (Zhang 2018), or pastes a box of one into the other
        (Yun 2019), in classification; 0 for none. With both, either is drawn for a batch.
    balance : float
        Classes are drawn in proportion to frequency**(1 - balance); 1 draws them equally often.
    foreground : float
        Part of the patches centred on a foreground voxel.
    patience : int
        Stop after this many epochs without a better validation; 0 for never.
    keep : {"best", "last"}
        Which epoch becomes the model: the best on validation, or the last (all of the schedule).
    precision : {"float32", "bfloat16", "float16"}
        bfloat16 halves the time on processors that have it and slows down others; float16, with a scaled loss, is for
        GPUs, which use it in place of bfloat16 where they do not have that.
    mirror_axes : tuple of int
        Spatial axes flipped when the model is used (test-time augmentation).
    min_object_vox : int
        Smaller objects are removed when the model is used.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Literal[1] = 1
    family: str = ""
    network: NetworkSpec
    input: InputSpec
    epochs: int = Field(default=50, ge=1)
    samples_per_epoch: int = Field(default=0, ge=0)
    batch: int = Field(default=2, ge=1)
    loss: LossSettings = LossSettings()
    optimiser: OptimiserSettings = OptimiserSettings()
    schedule: ScheduleSettings = ScheduleSettings()
    averaging: AveragingSettings = AveragingSettings()
    transfer: TransferSettings = TransferSettings()
    augment: AugmentSettings = AugmentSettings()
    mixup_alpha: float = Field(default=0.0, ge=0)
    cutmix_alpha: float = Field(default=0.0, ge=0)
    balance: float = Field(default=0.0, ge=0, le=1)
    foreground: float = Field(default=0.5, ge=0, le=1)
    patience: int = Field(default=0, ge=0)
    keep: Literal["best", "last"] = "best"
    precision: Literal["float32", "bfloat16", "float16"] = "float32"
    mirror_axes: tuple[int, ...] = ()
    min_object_vox: int = Field(default=0, ge=0)
