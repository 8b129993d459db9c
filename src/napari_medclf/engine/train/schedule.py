"""How far a training is, and the learning rate that belongs to it."""

from __future__ import annotations

import math


def learning_rate(progress: float, highest: float, warmup: float) -> float:
    """One cycle: a linear rise, then a cosine down to a hundredth (Smith 2019; Loshchilov 2017).

    Parameters
    ----------
    progress : float
        Part of the whole training that is done, 0 to 1.
    warmup : float
        Part of the training that the rise takes.

    Examples
    --------
    >>> learning_rate(0.1, highest=1.0, warmup=0.1)
    1.0
    """
    lowest = highest / 100
    if progress < warmup:
        return lowest + (highest - lowest) * progress / warmup
    falling = min((progress - warmup) / (1 - warmup), 1.0)
    return lowest + (highest - lowest) * (1 + math.cos(math.pi * falling)) / 2


def progress_of(step: int, n_steps: int, elapsed_s: float, limit_s: float | None) -> float:
    """Part of the training that is done, by steps or by time, whichever is further.

    With a time limit the schedule so comes to its end in time on a slow or busy machine, rather
    than being cut off at a high learning rate.
    """
    by_steps = step / n_steps
    return by_steps if limit_s is None else min(max(by_steps, elapsed_s / limit_s), 1.0)
