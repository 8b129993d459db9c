"""Which of several trained models should answer, and with what weight, judged on validation cases alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from napari_medclf.domain.arrays import FloatArray

_SMALLEST = 1e-7
_N_SURE = 1.96
"""Standard errors by which a difference has to stand out."""
_SHARES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)


@dataclass(frozen=True)
class Choice:
    """How much each candidate counts; 0 leaves it out.

    Parameters
    ----------
    weights : tuple of float
        In the order of the candidates; they sum to 1.
    loss : float
        Negative log-likelihood of the choice on the validation cases.
    """

    weights: tuple[float, ...]
    loss: float


def log_losses(probabilities: FloatArray, truth: FloatArray) -> FloatArray:
    """Negative log-likelihood of every case.

    Parameters
    ----------
    probabilities : (n_cases, n_classes) or (n_views, n_cases, n_classes)
        Of several views of each case the mean loss counts: they are one case, not several.
    truth : (n_cases, n_classes)
        0 or 1. Rows with one 1 are taken for exclusive classes, any others for independent ones.

    Returns
    -------
    (n_cases,)
    """
    kept = np.clip(probabilities, _SMALLEST, 1 - _SMALLEST)
    if (truth.sum(axis=1) == 1).all():
        losses = -np.log((kept * truth).sum(axis=-1))
    else:
        losses = -(truth * np.log(kept) + (1 - truth) * np.log(1 - kept)).mean(axis=-1)
    return np.asarray(losses.reshape(-1, len(truth)).mean(axis=0), dtype=np.float64)


def choose_members(candidates: Sequence[FloatArray], truth: FloatArray) -> Choice:
    """Drop candidates without which the others are surely better, and let the rest count alike.

    Parameters
    ----------
    candidates : sequence of (n_cases, n_classes) or (n_views, n_cases, n_classes)
        Calibrated probabilities of each on the same validation cases.

    Notes
    -----
    Weights that are fitted to a small validation set learn its noise (Caruana 2004); a plain mean does not.
    """
    kept = list(range(len(candidates)))
    while len(kept) > 1:
        burden = _burden(candidates, kept, truth)
        if burden is None:
            break
        kept.remove(burden)
    weights = np.isin(np.arange(len(candidates)), kept) / len(kept)
    mean = np.mean([candidates[index] for index in kept], axis=0)
    return Choice(tuple(float(one) for one in weights), float(log_losses(mean, truth).mean()))


def best_mean(candidates: Sequence[FloatArray], truth: FloatArray) -> Choice:
    """Begin with the best candidate, and add the next best as long as the mean of all gets better.

    Notes
    -----
    For models of different kinds, of which some are poor by nature (Caruana 2004, ensemble selection).
    """
    order = np.argsort([log_losses(one, truth).mean() for one in candidates]).tolist()
    kept = [order.pop(0)]
    loss = float(log_losses(candidates[kept[0]], truth).mean())
    for index in order:
        together = float(log_losses(np.mean([candidates[one] for one in (*kept, index)], axis=0), truth).mean())
        if together < loss:
            kept.append(index)
            loss = together
    weights = np.isin(np.arange(len(candidates)), kept) / len(kept)
    return Choice(tuple(float(one) for one in weights), loss)


def share_of_other(ours: FloatArray, other: FloatArray, truth: FloatArray) -> float:
    """Say how much a model of another kind should count beside `ours`: as much as the loss is lowest with.

    Returns
    -------
    float
        From 0 (leave it out) to 1 (take it alone): "deep learning is not needed here" is an allowed verdict.

    Notes
    -----
    The loss of a mixture has one valley over the share, so that this is one number and no best of many: a poorer model
    that errs on other cases helps a little, and hardly ever surely.
    """
    losses = np.array([log_losses((1 - share) * ours + share * other, truth).mean() for share in _SHARES])
    return _SHARES[int(np.argmax(losses <= losses.min() + _SMALLEST))]


def share_of_classic(classic: FloatArray, deep: FloatArray, truth: FloatArray) -> float:
    """Say how much classic models count beside networks: half, or what is best where one kind is surely better.

    Returns
    -------
    float
        From 0 to 1.

    Notes
    -----
    Models of another kind err on other cases, so that the mean of two that are about as good is better than either.
    """
    losses = log_losses(classic, truth), log_losses(deep, truth)
    if _is_surely_worse(losses[0], losses[1]):
        return share_of_other(deep, classic, truth)
    if _is_surely_worse(losses[1], losses[0]):
        return 1 - share_of_other(classic, deep, truth)
    return 0.5


def _burden(candidates: Sequence[FloatArray], kept: Sequence[int], truth: FloatArray) -> int | None:
    """Find the candidate whose leaving helps the others most, if that surely helps."""
    together = log_losses(np.mean([candidates[index] for index in kept], axis=0), truth)
    without = {
        one: log_losses(np.mean([candidates[index] for index in kept if index != one], axis=0), truth) for one in kept
    }
    worst = min(kept, key=lambda one: float(without[one].mean()))
    return worst if _is_surely_worse(together, without[worst]) else None


def _is_surely_worse(losses: FloatArray, than: FloatArray) -> bool:
    """Compare case by case: a paired difference that stands out of its standard error."""
    difference = losses - than
    error = difference.std(ddof=1) / np.sqrt(len(difference)) if len(difference) > 1 else np.inf
    return bool(difference.mean() > max(_N_SURE * error, _SMALLEST))
