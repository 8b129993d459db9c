"""The epochs of a training so far, and which was the best."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

_SMALLEST_GAIN = 1e-6
"""A better score by less than this is noise, and does not let a training go on."""


@dataclass(frozen=True)
class History:
    """What each epoch gave.

    Parameters
    ----------
    epochs : tuple of dict
        Named numbers of every epoch.
    scores : tuple of float
        The number of every epoch that decides, higher being better.
    best_epoch : int
        Number of the best one, from 1; 0 where there is none.
    """

    epochs: tuple[dict[str, float], ...] = ()
    scores: tuple[float, ...] = ()
    best_epoch: int = 0
    best_score: float = float("-inf")
    elapsed_s: float = 0.0

    def add(self, values: dict[str, float], score: float, elapsed_s: float) -> History:
        """The history with one epoch more."""
        history = replace(self, epochs=(*self.epochs, values), scores=(*self.scores, score), elapsed_s=elapsed_s)
        if score < self.best_score + _SMALLEST_GAIN:
            return history
        return replace(history, best_epoch=len(history.epochs), best_score=score)

    @property
    def is_best(self) -> bool:
        """Whether the last epoch is the best one."""
        return self.best_epoch == len(self.epochs)

    def is_over(self, n_epochs: int, patience: int, limit_s: float | None) -> bool:
        """Whether all epochs are done, the time is, or the best one lies `patience` epochs back (0: for ever)."""
        if len(self.epochs) >= n_epochs:
            return True
        if limit_s is not None and self.epochs and self.elapsed_s >= limit_s:
            return True
        return 0 < patience <= len(self.epochs) - self.best_epoch

    def to_state(self) -> dict[str, Any]:
        """As plain values, for a checkpoint."""
        return {
            "epochs": list(self.epochs),
            "scores": list(self.scores),
            "best_epoch": self.best_epoch,
            "best_score": self.best_score,
            "elapsed_s": self.elapsed_s,
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> History:
        """From what `to_state` gave."""
        return cls(
            tuple(state["epochs"]),
            tuple(state["scores"]),
            state["best_epoch"],
            state["best_score"],
            state["elapsed_s"],
        )
