"""From which probability on the rarer of two classes is decided, where nobody knows how common it will be in use."""

from __future__ import annotations

import numpy as np

from napari_medclf.domain.arrays import BoolArray, FloatArray
from napari_medclf.domain.card import ModelCard
from napari_medclf.engine.train.thresholds import FEWEST_CASES

_SMALLEST = 1e-6
_N_CLASSES = 2


def with_operating_point(card: ModelCard, probabilities: FloatArray, truth: FloatArray) -> ModelCard:
    """Write into the card of a model of two exclusive classes from which probability the rarer one is decided.

    Parameters
    ----------
    probabilities, truth : (n_cases, n_classes)
        Of cases that were held back.

    Returns
    -------
    ModelCard
        The same one for other models, and where a class has fewer than `FEWEST_CASES` cases.
    """
    if card.output.activation != "softmax" or truth.shape[1] != _N_CLASSES or truth.sum(axis=0).min() < FEWEST_CASES:
        return card
    rarer = int(truth.sum(axis=0).argmin())
    threshold = threshold_between(probabilities[:, rarer], truth[:, rarer] > 1 / _N_CLASSES)
    output = card.output.model_copy(update={"thresholds": {card.schema_.names[rarer]: threshold}})
    return card.model_copy(update={"output": output})


def threshold_between(probabilities: FloatArray, is_there: BoolArray) -> float:
    """Find the probability from which to decide for a class, between what suits these cases and what suits any.

    Parameters
    ----------
    probabilities : (n_cases,)
        That the class is there.
    is_there : (n_cases,)

    Returns
    -------
    float
        In (0, 1).

    Notes
    -----
    The threshold with the most right answers at the prevalence of these cases fails where the class is more common, and
    the one for classes that are alike common decides too often where it is as rare as here. Half-way between their log
    odds (the prevalence with the geometric mean of both odds) little is lost at either; Elkan (2001) tells how a
    threshold moves with the prevalence. Both are read from a logistic curve through all cases (Platt 1999) rather than
    from the steps of a count: where those are highest is chance with few cases.
    """
    scores = _log_odds(probabilities)
    slope, offset = _logistic_curve(scores, is_there)
    prevalence = float(np.mean(is_there))
    even = _log_odds(np.array([prevalence]))[0]
    found = (even / 2 - offset) / max(slope, _SMALLEST)
    return float(np.clip(1 / (1 + np.exp(-found)), _SMALLEST, 1 - _SMALLEST))


def _logistic_curve(scores: FloatArray, is_there: BoolArray) -> tuple[float, float]:
    """Slope and offset with the highest likelihood; held towards 1 and 0 as by one further case."""
    from scipy.optimize import minimize

    sign = np.where(is_there, 1.0, -1.0)

    def loss(values: FloatArray) -> tuple[float, FloatArray]:
        margins = sign * (values[0] * scores + values[1])
        pull = values - np.array([1.0, 0.0])
        steep = -sign / (1 + np.exp(np.clip(margins, -500, 500)))
        slope = np.array([(steep * scores).sum(), steep.sum()]) + pull
        return float(np.logaddexp(0, -margins).sum() + pull @ pull / 2), slope

    found = minimize(loss, np.array([1.0, 0.0]), jac=True, method="BFGS").x
    return float(found[0]), float(found[1])


def _log_odds(probabilities: FloatArray) -> FloatArray:
    kept = np.clip(probabilities, _SMALLEST, 1 - _SMALLEST)
    return np.asarray(np.log(kept) - np.log1p(-kept))
