"""How unsure a model is about a whole case, as one number from 0 (sure) to 1."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from napari_medclf.domain.arrays import FloatArray, LabelArray

_DOUBTED = 0.25


def score_entropy(scores: Mapping[str, float], *, is_exclusive: bool) -> float:
    """Entropy of class scores over its largest value.

    Parameters
    ----------
    scores : dict
        Class name to probability.
    is_exclusive : bool
        Whether the classes exclude each other; else the mean over the classes' own entropies counts.

    >>> score_entropy({"ill": 0.5, "well": 0.5}, is_exclusive=True)
    1.0
    """
    values = np.asarray(list(scores.values()), dtype=np.float64)
    if is_exclusive:
        return float(_entropy(values / values.sum()) / np.log(len(values))) if len(values) > 1 else 0.0
    pairs = np.stack([values, 1 - values])
    return float(np.mean([_entropy(pair) for pair in pairs.T]) / np.log(2))


def score_disagreement(answers: Sequence[Mapping[str, float]], *, is_exclusive: bool) -> float:
    """Jensen-Shannon divergence of several answers over its largest value: what they do not share.

    Unlike the entropy of their mean it is 0 where all of them are unsure in the same way (Houlsby et al. 2011, Bayesian
    Active Learning by Disagreement).
    """
    names = list(answers[0])
    table = np.asarray([[one[name] for name in names] for one in answers], dtype=np.float64)
    if not is_exclusive:
        table = np.stack([table, 1 - table], axis=-1)
        return float(np.mean([_divergence(table[:, number]) for number in range(len(names))]))
    return _divergence(table / table.sum(axis=1, keepdims=True))


def map_doubt(values: FloatArray, labels: LabelArray) -> float:
    """Sum up a map of uncertainty where something was found or doubted.

    Parameters
    ----------
    values : (K, J, I) float32
        From 0 to 1.
    labels : (K, J, I) integer
        The answer; 0 is background.

    Returns
    -------
    float
        Mean over voxels that are labelled or have a doubt of at least 0.25. The mean over the whole image would tell
        how large the object is rather than how unsure the model. 0 where nothing was found or doubted.
    """
    looked_at = (labels != 0) | (values >= _DOUBTED)
    return float(values[looked_at].mean()) if looked_at.any() else 0.0


def label_disagreement(answers: Sequence[LabelArray], *, is_instances: bool = False) -> float:
    """1 - the mean Dice of every pair of answers, averaged over the classes that one of them found.

    Parameters
    ----------
    is_instances : bool
        Whether values are numbers of objects, so that only foreground can be compared.

    Notes
    -----
    Of answers to changed copies of one image (test-time augmentation) it tells how much a change that means nothing
    changes the answer; see Wang et al. 2019, Aleatoric uncertainty estimation with test-time augmentation.
    """
    maps = [(one != 0).astype(np.uint8) for one in answers] if is_instances else list(answers)
    found = sorted({int(value) for one in maps for value in np.unique(one)} - {0})
    dices = [_dice(a == value, b == value) for value in found for a, b in combinations(maps, 2)]
    return 1 - float(np.mean(dices)) if dices else 0.0


def _dice(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float:
    total = int(a.sum()) + int(b.sum())
    return 2 * int((a & b).sum()) / total if total else 1.0


def _divergence(table: NDArray[np.float64]) -> float:
    """(answers, classes) probabilities to 0 to 1."""
    between = _entropy(table.mean(axis=0)) - float(np.mean([_entropy(row) for row in table]))
    return float(np.clip(between / np.log(min(table.shape)), 0, 1)) if min(table.shape) > 1 else 0.0


def _entropy(probabilities: NDArray[np.float64]) -> float:
    positive = probabilities[probabilities > 0]
    return float(-(positive * np.log(positive)).sum())
