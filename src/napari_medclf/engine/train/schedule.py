"""How far a training is, and the learning rate that belongs to it."""

from __future__ import annotations

import math
from collections.abc import Sequence

from napari_medclf.domain.recipe import ScheduleSettings

_POLY_POWER = 0.9
"""Of nnU-Net (Isensee 2021)."""
_PLATEAU_FACTOR = 0.2
_SMALLEST_GAIN = 1e-6


def rate_factor(progress: float, settings: ScheduleSettings, n_drops: int = 0) -> float:
    """Say which part of the highest learning rate is used.

    Parameters
    ----------
    progress : float
        Part of the whole training that is done, 0 to 1.
    n_drops : int
        How often a plateau was met.

    Examples
    --------
    >>> rate_factor(0.1, ScheduleSettings(warmup=0.1))
    1.0
    >>> rate_factor(0.5, ScheduleSettings(kind="constant", warmup=0.1))
    1.0
    """
    lowest, warmup = settings.lowest, settings.warmup
    if progress < warmup:
        done = progress / warmup
        risen = (1 - math.cos(math.pi * done)) / 2 if settings.kind == "one-cycle" else done
        return lowest + (1 - lowest) * risen
    if settings.kind == "plateau":
        return float(max(_PLATEAU_FACTOR**n_drops, lowest))
    return lowest + (1 - lowest) * _left(min((progress - warmup) / (1 - warmup), 1.0), settings.kind)


def _left(falling: float, kind: str) -> float:
    """Part of the way down that is still to go, from 1 to 0."""
    if kind == "constant":
        return 1.0
    if kind == "poly":
        return float((1 - falling) ** _POLY_POWER)
    return (1 + math.cos(math.pi * falling)) / 2


def count_drops(scores: Sequence[float], patience: int) -> int:
    """Count how often the score did not rise for more than `patience` epochs, counting anew after each time."""
    best, waited, n_drops = -math.inf, 0, 0
    for score in scores:
        waited = 0 if score > best + _SMALLEST_GAIN else waited + 1
        best = max(best, score)
        if waited > patience:
            waited, n_drops = 0, n_drops + 1
    return n_drops


def progress_of(step: int, n_steps: int, elapsed_s: float, limit_s: float | None) -> float:
    """Part of the training that is done, by steps or by time, whichever is further.

    With a time limit the schedule so comes to its end in time on a slow or busy machine, rather
    than being cut off at a high learning rate.
    """
    by_steps = step / n_steps
    return by_steps if limit_s is None else min(max(by_steps, elapsed_s / limit_s), 1.0)
