"""Models of one kind, one or more for every part, and what they say of cases they have not learned from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from napari_medclf.domain.arrays import FloatArray
from napari_medclf.domain.card import ModelCard
from napari_medclf.domain.events import Job, Noted
from napari_medclf.domain.recipe import Recipe
from napari_medclf.engine.auto.calibrate import Calibration, calibrate
from napari_medclf.engine.auto.select import log_losses
from napari_medclf.engine.networks import build_network
from napari_medclf.engine.train.cases import TrainCase
from napari_medclf.engine.train.fit import Fitted


@dataclass(frozen=True, eq=False)
class Answered:
    """A fitted model, and its answers to the cases that were held back from it.

    Parameters
    ----------
    answers : (n_held, n_classes)
        Before temperature and activation.
    """

    fitted: Fitted
    answers: FloatArray


@dataclass(frozen=True, eq=False)
class Candidate:
    """Models of one kind that answer together.

    Parameters
    ----------
    members : tuple of Fitted
        Of all parts; their cards hold the temperature.
    offsets : tuple of float
        Added to the logits of each member after its temperature; empty for none.
    probabilities : (n_judged, n_classes)
        For each case the mean of the members that have not learned from it.
    """

    name: str
    members: tuple[Fitted, ...]
    offsets: tuple[float, ...]
    probabilities: FloatArray


def make_candidate(
    name: str, found: Sequence[Sequence[Answered]], truth: FloatArray, draft: ModelCard
) -> Job[Candidate]:
    """Calibrate models of one kind together.

    Parameters
    ----------
    found : sequence of sequence of Answered
        For each part, as many models as for the others.
    truth : (n_judged, n_classes)
        Of the held cases, part by part.
    """
    rounds = [np.concatenate([one.answers for one in models]) for models in zip(*found, strict=True)]
    members = [one.fitted for models in found for one in models]
    if draft.output.activation == "softmax":
        known = calibrate(np.concatenate(rounds), np.tile(truth, (len(rounds), 1)))
        members = [_with_temperature(one, known) for one in members]
        probabilities, offsets = np.mean([known.apply(one) for one in rounds], axis=0), known.offsets
    else:  # classes that exclude nothing keep the calibration, and the thresholds, of each model
        probabilities, offsets = np.concatenate([_mean_of(models) for models in found]), ()
    losses = log_losses(probabilities, truth)
    yield Noted(f"{name}: loss {losses.mean():.3f} on {len(truth)} cases that were held back.")
    return Candidate(name, tuple(members), offsets, probabilities)


def answers_of(fitted: Fitted, recipe: Recipe, cases: Sequence[TrainCase], device: str) -> Job[FloatArray]:
    """Run a model over cases as it is used, mean over its flips: (n_cases, n_classes), before temperature."""
    from napari_medclf.engine.train.validate import whole_answers

    network = build_network(fitted.card.network)
    network.load_state_dict(fitted.state_dict)
    answers = yield from whole_answers(network.eval().to(device), cases, recipe, device)
    return np.asarray(answers.double().numpy())


def activated(logits: FloatArray, card: ModelCard) -> FloatArray:
    """Turn logits (n_cases, n_classes) into probabilities as the card says."""
    from napari_medclf.engine.decide import activate

    probabilities = np.ascontiguousarray(logits.T, dtype=np.float32)  # class first, as a network's answer
    activate(probabilities, card.output)
    return np.asarray(probabilities.T, dtype=np.float64)


def truth_of(cases: Sequence[TrainCase], draft: ModelCard) -> FloatArray:
    """The classes of cases as 0 and 1, (n_cases, n_classes)."""
    targets: NDArray[np.generic] = np.array([case.sample.target for case in cases])
    if targets.ndim == 2:  # independent classes
        return targets.astype(np.float64)
    return np.asarray(np.eye(len(draft.schema_))[targets.astype(int)])


def _mean_of(models: Sequence[Answered]) -> FloatArray:
    return np.asarray(np.mean([activated(one.answers, one.fitted.card) for one in models], axis=0))


def _with_temperature(fitted: Fitted, known: Calibration) -> Fitted:
    output = fitted.card.output.model_copy(update={"temperature": known.temperature})
    return replace(fitted, card=fitted.card.model_copy(update={"output": output, "is_calibrated": True}))
