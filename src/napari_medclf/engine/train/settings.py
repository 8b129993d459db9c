"""How one training runs, apart from what is learned and how."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor


@dataclass(frozen=True, eq=False)
class FitSettings:
    """Where a training keeps its state, how long it may take, where it begins.

    Parameters
    ----------
    checkpoint_dir : Path
        Gets ``last.pt``, ``prev.pt`` and ``best.pt`` after every epoch.
    seed : int
        Of every random number.
    max_minutes : float or None
        The learning rate then falls with the time, so that the training ends well within it.
    resume : bool
        Go on from the last checkpoint; the result is that of a training that was never stopped.
    init_state : mapping or None
        Weights to start from; those that do not fit in shape start at random, with a warning.
    """

    checkpoint_dir: Path
    seed: int = 0
    max_minutes: float | None = None
    resume: bool = False
    init_state: Mapping[str, Tensor] | None = None
    device: str = "cpu"
