"""How a network goes on learning from corrections."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType

from napari_medclf.domain.card import Task


class Part(StrEnum):
    """What of a network may move."""

    HEAD = "head"
    """The last layer."""
    NORM_AND_HEAD = "norm+head"
    """Scale and shift of the norm layers, and the last layer: some thousand numbers."""
    ADAPTERS = "adapters"
    """As above, and a change of low rank for every other layer (LoRA, Hu 2022), folded into it at the end."""
    ALL = "all"
    """Every weight."""


class Stepper(StrEnum):
    """By which rule weights move."""

    ADAMW = "adamw"
    """For many steps; `lr` is about what each number moves by."""
    MUON = "muon"
    """For few steps, along all directions of a layer alike; `lr` is the part of its own size that a weight moves by."""


@dataclass(frozen=True)
class Way:
    """What of a network moves, and how fast."""

    part: Part
    lr: float


@dataclass(frozen=True)
class AdaptSettings:
    """How far, how fast, with which random numbers.

    Parameters
    ----------
    n_steps : int
        Steps of the optimiser.
    lr : float
        Highest learning rate; it falls along a cosine.
    batch : int
        Patches or images a step; 0 takes the recipe's.
    stepper : Stepper
        By which rule.
    max_s : float or None
        Fewer steps are planned where all would take longer, after one was timed; None for no limit. The same number of
        steps gives the same weights again.
    seed : int
        Of every random number.
    device : str
        A torch device.
    """

    part: Part = Part.ADAPTERS
    n_steps: int = 40
    lr: float = 2e-2
    batch: int = 0
    stepper: Stepper = Stepper.ADAMW
    max_s: float | None = None
    seed: int = 0
    device: str = "cpu"


KINDS: Mapping[str, AdaptSettings] = MappingProxyType(
    {
        "instant": AdaptSettings(Part.HEAD, n_steps=40, lr=2e-2),
        "adapt": AdaptSettings(Part.ALL, n_steps=50, lr=2e-2, stepper=Stepper.MUON),
        "fine-tune": AdaptSettings(Part.ALL, n_steps=600, lr=1e-3),
    }
)
"""How each kind of learning goes, by the name that revisions carry."""


def usual_settings(kind: str, task: Task) -> AdaptSettings:
    """How a kind of learning goes for a task.

    Notes
    -----
    A few classes of whole images say little: large steps along all directions learn them by heart, small ones do not.
    """
    usual = KINDS[kind]
    if kind == "adapt" and task.is_of_whole_image:
        return replace(usual, lr=1e-3, stepper=Stepper.ADAMW)
    return usual
