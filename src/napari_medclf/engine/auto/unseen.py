"""How good a model of folds is on cases that its parts have not learned from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from napari_medclf.domain.arrays import BoolArray, FloatArray
from napari_medclf.domain.card import ModelCard
from napari_medclf.domain.events import Job
from napari_medclf.engine.auto.candidates import truth_of
from napari_medclf.engine.auto.parts import places_of
from napari_medclf.engine.decide import decide_classes
from napari_medclf.engine.metrics.bootstrap import resample
from napari_medclf.engine.metrics.classification import statistic_of_classes
from napari_medclf.engine.train.cases import TrainCase
from napari_medclf.engine.train.fit import Fitted

_N_RESAMPLES = 500


def with_unseen(
    fitted: Fitted, probabilities: FloatArray, judged: Sequence[TrainCase], val: Sequence[TrainCase]
) -> Job[Fitted]:
    """Write into the card how good a model is, by cases that were held back from the parts that answer.

    Parameters
    ----------
    probabilities : (n_judged, n_classes)
        For each case of those that have not learned from it.
    val : sequence of TrainCase
        The validation cases; all of them are among the judged ones.

    Notes
    -----
    All parts together answer at least as well as those that have not learned from a case, which are fewer.
    """
    card = fitted.card
    truth = truth_of(judged, card) > 0.5
    statistic = statistic_of_classes(
        truth,
        probabilities,
        _decided(probabilities, card),
        card.schema_.names,
        is_exclusive=card.output.activation == "softmax",
    )
    found = yield from resample(statistic, [case.group_id for case in judged], n_resamples=_N_RESAMPLES)
    defined = {f"val/{name}": metric for name, metric in found.items() if metric.value == metric.value}
    values = {name: metric.value for name, metric in defined.items()}
    measured = card.model_copy(update={"metrics": {**card.metrics, **defined}})
    return replace(fitted, card=measured, val_metrics=values, unseen=probabilities[places_of(val, judged)])


def _decided(probabilities: FloatArray, card: ModelCard) -> BoolArray:
    rows = (decide_classes(one.tolist(), card.output, is_calibrated=True).decided for one in probabilities)
    return np.array([[name in decided for name in card.schema_.names] for decided in rows])
