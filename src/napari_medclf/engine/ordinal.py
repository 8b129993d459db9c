"""Classes in an order, told by steps: how likely a case lies above each class but the last (Cheng 2008)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from napari_medclf.domain.arrays import FloatArray


def classes_of_steps(steps: FloatArray) -> FloatArray:
    """Turn the probabilities of lying above class n into one for every class.

    Parameters
    ----------
    steps : (C - 1, ...)
        Row n: the probability of lying above class n. A network learns each step on its own, so that one may rise over
        the step before; it is brought down to it.

    Returns
    -------
    (C, ...)
        Not negative, with a sum of 1 over the classes.

    Examples
    --------
    >>> classes_of_steps(np.array([0.75, 0.25])).tolist()
    [0.25, 0.5, 0.25]
    """
    falling = np.minimum.accumulate(steps, axis=0)
    ends = np.ones_like(falling[:1])
    edges = np.concatenate([ends, falling, np.zeros_like(ends)])
    return np.asarray(edges[:-1] - edges[1:])


def median_class(probabilities: Sequence[float]) -> int:
    """Find the class in the middle of the probability, which errs by the fewest steps on average.

    >>> median_class([0.4, 0.3, 0.3])
    1
    """
    below = np.cumsum(np.asarray(probabilities, dtype=np.float64))
    return int(np.searchsorted(below, below[-1] / 2))
