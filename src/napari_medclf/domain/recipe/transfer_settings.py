"""How a training goes on from another model's weights."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class TransferSettings(BaseModel):
    """What of the weights that were taken over may move, when, and how fast.

    Parameters
    ----------
    frozen_epochs : int
        For so many epochs only what starts at random learns (the head); then everything does. 0 for never frozen.
    layer_decay : float
        Each block further from the head learns at the rate of the next one times this (Howard 2018); 1 for all alike.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    frozen_epochs: int = Field(default=0, ge=0)
    layer_decay: float = Field(default=1.0, gt=0, le=1)
