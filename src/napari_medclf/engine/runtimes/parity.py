"""Tell whether two runtimes give the same answer."""

from __future__ import annotations

import torch
from torch import Tensor

from napari_medclf.domain.card import ModelCard, Task

_DEFAULT_TOLERANCE = 1e-3
_LARGEST_SCORE_DIFFERENCE = 1e-3
_SMALLEST_DICE = 0.999


def explain_difference(expected: Tensor, found: Tensor, card: ModelCard) -> str:
    """Say how an answer differs from torch's by more than is allowed; empty if it is the same.

    Parameters
    ----------
    expected, found : (N, classes) or (N, classes, *spatial) float32
        Logits, or whatever the network returns.

    Notes
    -----
    Allowed are: the tolerance of the card's fingerprint (1e-3 without one), relative to the largest value where that is
    above 1; 1e-3 in any score; a Dice of 0.999 of the labels.
    """
    if expected.shape != found.shape:
        return f"the shape is {tuple(found.shape)} and not {tuple(expected.shape)}"
    if not bool(torch.isfinite(found).all()):
        return "numbers are not finite"
    largest = largest_difference(expected, found)
    tolerance = card.fingerprint.tolerance if card.fingerprint else _DEFAULT_TOLERANCE
    if largest > tolerance * max(1.0, float(expected.abs().max())):
        return f"values differ by up to {largest:.2g}"
    score_difference = largest_difference(_scores(expected, card), _scores(found, card))
    if score_difference > _LARGEST_SCORE_DIFFERENCE:
        return f"scores differ by up to {score_difference:.2g}"
    dice = _dice(expected, found) if not card.task.is_of_whole_image else 1.0
    return "" if dice >= _SMALLEST_DICE else f"labels agree with a Dice of {dice:.4f} only"


def largest_difference(expected: Tensor, found: Tensor) -> float:
    """The largest difference of two tensors of one shape."""
    return float((expected.double() - found.double()).abs().max())


def _scores(logits: Tensor, card: ModelCard) -> Tensor:
    output = card.output
    if output.is_activated or card.task is Task.REGRESS:
        return logits
    return torch.softmax(logits, dim=1) if output.activation == "softmax" else torch.sigmoid(logits)


def _dice(expected: Tensor, found: Tensor) -> float:
    """Dice of all voxels that are not of the first channel, whatever their label."""
    if expected.shape[1] == 1:
        ours, theirs = expected > 0, found > 0
    else:
        ours, theirs = expected.argmax(dim=1), found.argmax(dim=1)
    n_equal = int(((ours == theirs) & (ours > 0)).sum())
    n_all = int((ours > 0).sum()) + int((theirs > 0).sum())
    return 2 * n_equal / n_all if n_all else 1.0
