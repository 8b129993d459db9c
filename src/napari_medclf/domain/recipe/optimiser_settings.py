"""How the weights of a network are moved, how fast over time, and how they are averaged."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class OptimiserSettings(BaseModel):
    """How weights are moved.

    Parameters
    ----------
    kind : str
        ``adamw`` (Loshchilov 2019), ``adam``, ``nadam``, ``sgd`` with Nesterov's momentum, ``rmsprop``, ``lion``
        (Chen 2023).
    lr : float
        Highest learning rate.
    weight_decay : float
        On weights of more than one dimension only.
    momentum : float
        Of ``sgd`` and ``rmsprop``; the first beta of the others.
    clip_norm : float
        Largest norm of the gradient; 0 for no limit.
    accumulate : int
        Batches whose gradients are added up before the weights are moved.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["adamw", "adam", "nadam", "sgd", "rmsprop", "lion"] = "adamw"
    lr: float = Field(default=1e-3, gt=0)
    weight_decay: float = Field(default=1e-2, ge=0)
    momentum: float = Field(default=0.9, ge=0, lt=1)
    clip_norm: float = Field(default=1.0, ge=0)
    accumulate: int = Field(default=1, ge=1)


class ScheduleSettings(BaseModel):
    """How the learning rate goes over a training.

    Parameters
    ----------
    kind : str
        After the warm-up: ``cosine`` down (Loshchilov 2017), ``one-cycle`` (Smith 2019: a cosine up during the warm-up,
        then down), ``poly`` (nnU-Net: (1 - progress)**0.9), ``plateau`` (a fifth after `patience` epochs without a
        better validation), ``constant``.
    warmup : float
        Part of all steps in which the rate rises.
    lowest : float
        Part of the highest rate at which the fall ends.
    patience : int
        Epochs that ``plateau`` waits.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["cosine", "one-cycle", "poly", "plateau", "constant"] = "cosine"
    warmup: float = Field(default=0.1, ge=0, lt=1)
    lowest: float = Field(default=0.01, ge=0, le=1)
    patience: int = Field(default=5, ge=1)


class AveragingSettings(BaseModel):
    """Which average of the weights is validated and kept.

    Parameters
    ----------
    kind : str
        ``ema``: exponentially over steps (Polyak 1992); ``swa``: evenly over the epochs from `start` on
        (Izmailov 2018);
        ``none``: the weights as they are.
    decay : float
        Part of the exponential average that stays at every step.
    start : float
        Part of the training after which the even average begins.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["ema", "swa", "none"] = "ema"
    decay: float = Field(default=0.99, ge=0, lt=1)
    start: float = Field(default=0.7, ge=0, lt=1)
