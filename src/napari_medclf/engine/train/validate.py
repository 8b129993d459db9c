"""How good a network is on cases it does not learn from, while it is trained."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from napari_medclf.domain.events import Job, Progress
from napari_medclf.domain.recipe import Recipe
from napari_medclf.engine.sliding.run_batch import run_batch
from napari_medclf.engine.sliding.slide import slide_whole
from napari_medclf.engine.sliding.window import Window
from napari_medclf.engine.train.cases import TrainCase
from napari_medclf.engine.train.losses.segment import segmentation_loss

_BATCH = 64


def class_logits(
    network: nn.Module, cases: Sequence[TrainCase], recipe: Recipe, device: str
) -> Job[tuple[Tensor, Tensor]]:
    """Run a classifier over cases, averaged over flips as in use; returns logits (N, n_classes) and classes (N,)."""
    logits = yield from whole_answers(network, cases, recipe, device)
    return logits, torch.tensor([int(case.sample.target) for case in cases])


def whole_answers(network: nn.Module, cases: Sequence[TrainCase], recipe: Recipe, device: str) -> Job[Tensor]:
    """Run a network over whole images, averaged over flips as in use; returns its answers (N, channels), on the CPU."""
    window = Window(recipe.input.patch_vox, mirror_axes=recipe.mirror_axes)
    found = []
    for start in range(0, len(cases), _BATCH):
        images = np.stack([case.sample.image for case in cases[start : start + _BATCH]])
        inputs = torch.from_numpy(images).to(device)
        answers = [run_batch(network, inputs, flip, flip_output=False) for flip in window.flips]
        found.append(torch.stack(answers).mean(0).float().cpu())
        yield Progress(start, len(cases), "Validating")
    return torch.cat(found)


def unmirrored(recipe: Recipe) -> Recipe:
    """The same recipe without mirrored copies: an epoch's look needs them less than their time."""
    return recipe.model_copy(update={"mirror_axes": ()})


def score_labels(logits: Tensor, truth: Tensor) -> dict[str, float]:
    """Cross-entropy of each sigmoid, part of the classes decided rightly, and the mean AUC of the classes.

    Parameters
    ----------
    logits, truth : (N, n_classes)
        `truth` is 1 where a class is present; a class that all or no cases have is left out of the AUC.
    """
    values = {
        "val/loss": float(binary_cross_entropy_with_logits(logits, truth)),
        "val/accuracy": float(((logits > 0) == (truth > 0.5)).float().mean()),
    }
    areas = [_auc(logits[:, index], truth[:, index] > 0.5) for index in range(logits.shape[1])]
    known = [area for area in areas if area is not None]
    return values | ({"val/auc": float(np.mean(known))} if known else {})


def score_classifier(logits: Tensor, classes: Tensor) -> dict[str, float]:
    """Cross-entropy, accuracy, and the macro average of one-against-rest AUC (left out with one class)."""
    values = {
        "val/loss": float(cross_entropy(logits, classes)),
        "val/accuracy": float((logits.argmax(1) == classes).float().mean()),
    }
    areas = [_auc(logits.softmax(1)[:, index], classes == index) for index in range(logits.shape[1])]
    known = [area for area in areas if area is not None]
    if known:
        values["val/auc"] = float(np.mean(known))
    return values


def score_segmenter(
    network: nn.Module, cases: Sequence[TrainCase], recipe: Recipe, names: Sequence[str], device: str
) -> Job[dict[str, float]]:
    """Run a segmenter over cases; loss, and Dice of each class and of their mean.

    Parameters
    ----------
    names : sequence of str
        Of the channels after background.

    Notes
    -----
    Dice is averaged over the cases in which the class, or a wrong trace of it, is present.
    """
    window = Window(recipe.input.patch_vox, divisible_by=recipe.input.divisible_by)
    # Distances to outlines take long on whole volumes, and smoothing is for learning only.
    settings = recipe.loss.model_copy(update={"label_smoothing": 0.0, "edge": "none"})
    losses, dice = [], []
    for done, case in enumerate(cases):
        labels = torch.from_numpy(case.sample.target.astype(np.int64))[None]
        image = case.sample.image
        flat = image[:, None] if image.ndim == 3 else image  # a 2D network sees one slice
        found = yield from slide_whole(flat, network, window, torch.device(device))
        logits = torch.from_numpy(found).reshape(1, -1, *labels.shape[1:])
        weight = torch.ones(labels.shape)
        loss = segmentation_loss(logits, labels, weight, settings)
        losses.append(float(loss))
        dice.append(_dice(logits[0].argmax(0), labels[0], len(names)))
        yield Progress(done, len(cases), "Validating")
    by_class = {f"val/dice/{name}": _mean(values) for name, values in zip(names, zip(*dice, strict=True), strict=True)}
    return {"val/loss": float(np.mean(losses)), "val/dice": _mean(list(by_class.values())), **by_class}


def _auc(scores: Tensor, is_positive: Tensor) -> float | None:
    from scipy.stats import rankdata

    n_positive = int(is_positive.sum())
    n_negative = len(is_positive) - n_positive
    if n_positive == 0 or n_negative == 0:
        return None
    ranks = rankdata(scores.numpy())[is_positive.numpy()].sum()
    return float((ranks - n_positive * (n_positive + 1) / 2) / (n_positive * n_negative))


def _dice(found: Tensor, truth: Tensor, n_classes: int) -> list[float]:
    values = []
    for index in range(1, n_classes + 1):
        one, other = found == index, truth == index
        total = int(one.sum()) + int(other.sum())
        values.append(2 * int((one & other).sum()) / total if total else float("nan"))
    return values


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if not np.isnan(value)]
    return float(np.mean(known)) if known else 0.0
