"""How a network goes on learning from corrections."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


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
    rivals : tuple of Way
        Other ways that are tried first, beside `part` and `lr`: what is best on lessons that were held back goes on.
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
    rivals: tuple[Way, ...] = ()
    max_s: float | None = None
    seed: int = 0
    device: str = "cpu"


KINDS: Mapping[str, AdaptSettings] = MappingProxyType(
    {
        "instant": AdaptSettings(Part.HEAD, n_steps=40, lr=2e-2),
        "adapt": AdaptSettings(Part.NORM_AND_HEAD, n_steps=40, lr=1e-2, rivals=(Way(Part.ADAPTERS, 2e-2),)),
        "fine-tune": AdaptSettings(Part.ALL, n_steps=600, lr=1e-3),
    }
)
"""How each kind of learning goes, by the name that revisions carry."""
