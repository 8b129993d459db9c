"""Whether a deep model is better than a classic one on the validation cases."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from napari_medclf.domain.arrays import FloatArray
from napari_medclf.domain.card import Metric, ModelCard, Task
from napari_medclf.domain.events import Job
from napari_medclf.domain.recipe import Recipe
from napari_medclf.engine.metrics.bootstrap import resample
from napari_medclf.engine.metrics.classification import area_under_curve
from napari_medclf.engine.metrics.paired import Difference, resample_paired
from napari_medclf.engine.networks import build_network
from napari_medclf.engine.train.cases import TrainCase
from napari_medclf.engine.train.fit import Fitted
from napari_medclf.engine.train.validate import whole_answers

_N_RESAMPLES = 500
_SMALLEST = 1e-7
_WORDS = {"auc": "an AUC", "mae": "a mean absolute error (in standard deviations)"}
Statistic = Callable[[NDArray[np.intp]], Mapping[str, float]]


def main_number(card: ModelCard) -> str:
    """Name of the number by which models are compared: ``auc``, or ``mae`` (mean absolute error) for numbers."""
    return "mae" if card.task is Task.REGRESS else "auc"


def answers_of(fitted: Fitted, recipe: Recipe, val: Sequence[TrainCase], device: str) -> Job[FloatArray]:
    """Run a model over the validation cases as in use: answers (N, K), before temperature and activation.

    Of a model whose parts have learned from them, the answers of those that have not.
    """
    if fitted.unseen is not None:
        return _inactivated(fitted.unseen, is_exclusive=fitted.card.output.activation == "softmax")
    network = build_network(fitted.card.network)
    network.load_state_dict(fitted.state_dict)
    answers = yield from whole_answers(network.eval().to(device), val, recipe, device)
    found: FloatArray = answers.double().numpy()
    return found


def _inactivated(probabilities: FloatArray, *, is_exclusive: bool) -> FloatArray:
    kept = np.clip(probabilities, _SMALLEST, 1 - _SMALLEST)
    return np.asarray(np.log(kept) if is_exclusive else np.log(kept) - np.log1p(-kept))


def compare_answers(
    classic: FloatArray, deep: FloatArray, cases: Sequence[TrainCase], card: ModelCard
) -> Job[Difference]:
    """Compare two models by their answers (N, K) to the same cases; the second is the deep one.

    Returns
    -------
    Difference
        In `main_number`, its interval resampled by group.
    """
    groups = [case.group_id for case in cases]
    first, second = _statistic(classic, cases, card), _statistic(deep, cases, card)
    found = yield from resample_paired(first, second, groups, n_resamples=_N_RESAMPLES)
    return found[main_number(card)]


def measure_answers(answers: FloatArray, cases: Sequence[TrainCase], card: ModelCard) -> Job[Metric]:
    """Measure `main_number` of a model's answers (N, K), with its interval by group."""
    groups = [case.group_id for case in cases]
    found = yield from resample(_statistic(answers, cases, card), groups, n_resamples=_N_RESAMPLES)
    return found[main_number(card)]


def sentence_of(found: Difference, card: ModelCard, title: str, n_cases: int) -> tuple[bool, str]:
    """Say whether the deep model is better, and the verdict in words."""
    is_deep_better = found.judgement.value == "better"
    interval = f", 95 % interval {found.ci95[0]:+.3f} to {found.ci95[1]:+.3f}" if found.ci95 else ""
    numbers = (
        f"On {n_cases} validation cases the deep model has {_WORDS[main_number(card)]} of {found.second:.3f}, and the "
        f"best classic model ({title}) one of {found.first:.3f} (difference {found.value:+.3f}{interval})."
    )
    if is_deep_better:
        return True, f"{numbers} The deep model is better."
    return False, f"{numbers} Deep learning is not needed here, as far as these cases can tell."


def _statistic(answers: FloatArray, cases: Sequence[TrainCase], card: ModelCard) -> Statistic:
    truth = np.stack([np.asarray(case.sample.target) for case in cases])
    return (_errors if card.task is Task.REGRESS else _areas)(truth, answers, card)


def _areas(truth: FloatArray, answers: FloatArray, card: ModelCard) -> Statistic:
    """Macro average of the areas under the curve; classes that a draw has not are left out."""
    is_class = truth > 0.5 if truth.ndim == 2 else truth[:, None] == np.arange(len(card.schema_))
    scores = answers if card.output.activation == "sigmoid" else _softmax(answers)

    def statistic(chosen: NDArray[np.intp]) -> Mapping[str, float]:
        areas = [area_under_curve(is_class[chosen, k], scores[chosen, k]) for k in range(is_class.shape[1])]
        known = [area for area in areas if area == area]
        return {"auc": float(np.mean(known)) if known else float("nan")}

    return statistic


def _errors(truth: FloatArray, answers: FloatArray, card: ModelCard) -> Statistic:
    """Mean absolute error, each quantity in its standard deviations."""
    mean = np.array([one.mean for one in card.output.quantities])
    sd = np.array([one.sd for one in card.output.quantities])
    errors = np.abs(answers - (truth - mean) / sd)

    def statistic(chosen: NDArray[np.intp]) -> Mapping[str, float]:
        return {"mae": float(np.nanmean(errors[chosen]))}

    return statistic


def _softmax(answers: FloatArray) -> FloatArray:
    powers: FloatArray = np.exp(answers - answers.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)
