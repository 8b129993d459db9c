"""What is to be learned from a table of features."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import torch
from torch import Tensor

from napari_medclf.domain.arrays import FloatArray

SURE = 50.0
"""Logit of what every training case says."""
_RAREST = 1e-6
"""Probabilities are kept this far from 0 and 1, so that their logarithm is a number."""


class Aim(StrEnum):
    """What the answers of a model mean."""

    ONE_CLASS = "one class"
    """Exclusive classes; answers are log-probabilities."""
    ANY_CLASSES = "any classes"
    """Independent classes; answers are logits."""
    NUMBERS = "numbers"


@dataclass(frozen=True, eq=False)
class Problem:
    """A table of features and what is known about its rows.

    Parameters
    ----------
    features : (N, F) float32
    targets : (N, K) float32
        ``ONE_CLASS``: one 1 a row; ``ANY_CLASSES``: 0 or 1; ``NUMBERS``: the numbers.
    is_balanced : bool
        Whether rare classes count as much as frequent ones.
    seed : int
        Of every random number.
    """

    features: FloatArray
    targets: FloatArray
    aim: Aim
    is_balanced: bool = False
    seed: int = 0

    @property
    def n_outputs(self) -> int:
        """Answers a row."""
        return int(self.targets.shape[1])

    @property
    def class_weight(self) -> str | None:
        """As scikit-learn calls it."""
        return "balanced" if self.is_balanced else None

    @property
    def classes(self) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        """Class index (N,) of each row, for exclusive classes."""
        return self.targets.argmax(1)

    def constant(self, output: int) -> float | None:
        """Logit of a class that all cases have, or none; None where some have it."""
        truth = self.targets[:, output] > 0.5
        if truth.all():
            return SURE
        return None if truth.any() else -SURE

    def one_of(self, output: int) -> Problem:
        """The same rows, with one of the outputs only."""
        return Problem(self.features, self.targets[:, [output]], self.aim, self.is_balanced, self.seed)


def logits_of(probabilities: Tensor, aim: Aim) -> Tensor:
    """Turn probabilities (N, K) into what a head of that aim answers."""
    if aim is Aim.NUMBERS:
        return probabilities
    kept = probabilities.clamp(_RAREST, 1 - _RAREST)
    return kept.log() if aim is Aim.ONE_CLASS else torch.logit(kept)
