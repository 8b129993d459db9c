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
from napari_medclf.engine.auto.parts import Part
from napari_medclf.engine.auto.select import log_losses
from napari_medclf.engine.auto.stress import stressed
from napari_medclf.engine.networks import build_network
from napari_medclf.engine.train.cases import TrainCase
from napari_medclf.engine.train.fit import Fitted


@dataclass(frozen=True, eq=False)
class Answered:
    """A fitted model, and its answers to the cases that were held back from it.

    Parameters
    ----------
    answers, under_stress : (n_held, n_classes)
        Before temperature and activation: to the cases as they are, and as another device might show them.
    """

    fitted: Fitted
    answers: FloatArray
    under_stress: FloatArray


@dataclass(frozen=True, eq=False)
class Candidate:
    """Models of one kind that answer together.

    Parameters
    ----------
    members : tuple of Fitted
        Of all parts; their cards hold the temperature.
    offsets : tuple of float
        Added to the logits of each member after its temperature; empty for none.
    probabilities, under_stress : (n_judged, n_classes)
        For each case the mean of the members that have not learned from it.
    """

    name: str
    members: tuple[Fitted, ...]
    offsets: tuple[float, ...]
    probabilities: FloatArray
    under_stress: FloatArray

    @property
    def both(self) -> FloatArray:
        """Probabilities of all cases as they are, and under stress, (2, n_judged, n_classes)."""
        return np.stack([self.probabilities, self.under_stress])


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
    members = [one.fitted for models in found for one in models]
    offsets: tuple[float, ...] = ()
    if draft.output.activation == "softmax":
        n_rounds = len(found[0])
        logits = np.concatenate([models[number].answers for number in range(n_rounds) for models in found])
        known = calibrate(logits, np.tile(truth, (n_rounds, 1)))
        members = [_with_temperature(one, known) for one in members]
        offsets = known.offsets
        plain, shaken = (_mean_of(found, which, known) for which in ("answers", "under_stress"))
    else:  # classes that exclude nothing keep the calibration, and the thresholds, of each model
        plain, shaken = (_mean_of(found, which) for which in ("answers", "under_stress"))
    losses = [log_losses(one, truth).mean() for one in (plain, shaken)]
    yield Noted(
        f"{name}: loss {losses[0]:.3f} on {len(truth)} cases that were held back, {losses[1]:.3f} as another device "
        "might show them."
    )
    return Candidate(name, tuple(members), offsets, plain, shaken)


def ask(fitted: Fitted, recipe: Recipe, part: Part, device: str) -> Job[Answered]:
    """Let a model answer to the cases of a part that were held back from it, as they are and under stress."""
    answers = yield from answers_of(fitted, recipe, part.held, device)
    changed = stressed(part.held, recipe.augment, len(part.held))
    return Answered(fitted, answers, (yield from answers_of(fitted, recipe, changed, device)))


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


def _mean_of(found: Sequence[Sequence[Answered]], which: str, known: Calibration | None = None) -> FloatArray:
    """Average the models of each part; (n_judged, n_classes), part by part."""
    means = []
    for models in found:
        each = [(getattr(one, which), one.fitted.card) for one in models]
        probabilities = [activated(one, card) if known is None else known.apply(one) for one, card in each]
        means.append(np.mean(probabilities, axis=0))
    return np.concatenate(means)


def _with_temperature(fitted: Fitted, known: Calibration) -> Fitted:
    output = fitted.card.output.model_copy(update={"temperature": known.temperature})
    return replace(fitted, card=fitted.card.model_copy(update={"output": output, "is_calibrated": True}))
