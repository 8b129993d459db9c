"""The few numbers that are kept of a training, and how far other numbers are from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from napari_medclf.engine.triage.spread import Table


@dataclass(frozen=True, eq=False)
class Figures:
    """What the numbers of a model's training cases are like.

    Parameters
    ----------
    n_cases : int
        How many there were.
    centres, spreads : dict
        Median of a number, and its robust standard deviation.
    looks : tuple of str
        Numbers of the image, and of what the network saw in it, whose correlations are known.
    correlations : (f, f) or None
        Of `looks`; None of few cases, and of a training on several kinds of images, which has no one middle.
    usual, usual_by_looks : float
        Median distance of a training case from the others, as `training.training_distance` measures it with and
        without what the network saw.
    """

    n_cases: int = 0
    centres: Mapping[str, float] = field(default_factory=dict)
    spreads: Mapping[str, float] = field(default_factory=dict)
    looks: tuple[str, ...] = ()
    correlations: Table | None = None
    usual: float = 1.0
    usual_by_looks: float = 1.0


def from_training(numbers: Table, names: Sequence[str], figures: Figures) -> Table:
    """Say how many spreads numbers (n, t) are from the training's medians; NaN where that has none."""
    centre = np.array([figures.centres.get(name, np.nan) for name in names])
    spread = np.array([figures.spreads.get(name, np.nan) for name in names])
    return (numbers - centre) / spread
