"""From probabilities to labels and classes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from napari_medclf.domain.arrays import FloatArray, LabelArray
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.output_spec import OutputSpec
from napari_medclf.domain.results import Classification
from napari_medclf.engine.ordinal import median_class

_DEFAULT_THRESHOLD = 0.5


def activate(logits: FloatArray, output: OutputSpec) -> None:
    """Turn logits (C, ...) float32 into probabilities in place, with the card's temperature.

    Left alone where the network's answer is a probability already.
    """
    if output.is_activated:
        return
    if output.temperature != 1:
        logits /= np.float32(output.temperature)
    if output.activation == "softmax":
        logits -= logits.max(axis=0)
        np.exp(logits, out=logits)
        logits /= logits.sum(axis=0)
    else:
        np.clip(logits, -80, 80, out=logits)  # exp overflows float32 at 88
        np.negative(logits, out=logits)
        np.exp(logits, out=logits)
        logits += 1
        np.reciprocal(logits, out=logits)


def values_of_channels(schema: LabelSchema, *, has_background: bool = True) -> LabelArray:
    """List the label value of each channel: background, if it has one, then the foreground classes in order."""
    values = [one.value for one in schema.foreground]
    dtype = np.uint8 if max(values, default=0) < 256 else np.uint16
    return np.array([0, *values] if has_background else values, dtype=dtype)


def decide_labels(channels: Iterable[FloatArray], output: OutputSpec) -> LabelArray:
    """Label every voxel with the most probable of the classes that reach their threshold there.

    Parameters
    ----------
    channels : iterable of (K, J, I) float32
        Probabilities: background first (where the card says that it is there), then each foreground class in the
        schema's order; taken one after the other, so that they need not be in memory together.

    Returns
    -------
    (K, J, I) uint8 or uint16
        Label values of the schema; background is what reaches no threshold (0.5 unless the card says
        otherwise). Where the card names a priority, a class is painted where it exceeds its threshold, and later ones
        over earlier ones.
    """
    each = iter(channels)
    if output.has_background_channel:
        next(each)
    return Chooser(output).choose(list(each))


@dataclass(frozen=True, eq=False)
class Chooser:
    """Which foreground class a voxel gets, by scores that grow with the probability.

    Parameters
    ----------
    output : OutputSpec
        Thresholds and priority.
    is_logit : bool
        Whether scores are logits of independent classes rather than probabilities.
    """

    output: OutputSpec
    is_logit: bool = False

    @cached_property
    def limits(self) -> FloatArray:
        """Score from which each foreground class is chosen."""
        wanted = [self.output.thresholds.get(one.name, _DEFAULT_THRESHOLD) for one in self.output.schema_.foreground]
        limits = np.array(wanted, dtype=np.float64)
        if self.is_logit:
            with np.errstate(divide="ignore"):  # thresholds of 0 and 1 are never and always exceeded
                limits = (np.log(limits) - np.log1p(-limits)) * self.output.temperature
        return limits.astype(np.float32)

    def choose(self, scores: Sequence[FloatArray] | FloatArray, classes: Sequence[int] | None = None) -> LabelArray:
        """Give label values (...) from the scores (...) of foreground classes, all of them or those listed."""
        values = values_of_channels(self.output.schema_, has_background=False)
        chosen = range(len(values)) if classes is None else classes
        labels = np.zeros(scores[0].shape, dtype=values.dtype)
        if self.output.priority:
            for index in sorted(range(len(scores)), key=lambda index: self._rank(chosen[index])):
                labels[scores[index] > self.limits[chosen[index]]] = values[chosen[index]]
            return labels
        best = np.full(labels.shape, -np.inf, dtype=np.float32)
        for index, one in zip(chosen, scores, strict=True):
            wins = (one > best) & (one >= self.limits[index])
            np.copyto(best, one, where=wins)
            labels[wins] = values[index]
        return labels

    def _rank(self, index: int) -> int:
        """Place in the painting order; what has no priority is painted first."""
        name, order = self.output.schema_.foreground[index].name, self.output.priority
        return order.index(name) if name in order else -1


def decide_classes(probabilities: Sequence[float], output: OutputSpec, *, is_calibrated: bool) -> Classification:
    """Say which classes an image has.

    Notes
    -----
    Exclusive classes: of those that reach their threshold the most probable; if none does, the most
    probable of those without a threshold. Independent ones: all that reach theirs (0.5 by default). Classes in an
    order: the median one, which errs by the fewest steps.
    """
    scores = dict(zip(output.schema_.names, map(float, probabilities), strict=True))
    thresholds = output.thresholds
    if output.activation == "sigmoid":
        decided = tuple(name for name, p in scores.items() if p >= thresholds.get(name, _DEFAULT_THRESHOLD))
    elif output.activation == "ordinal":
        decided = (output.schema_.names[median_class(probabilities)],)
    else:
        reached = [name for name in scores if name in thresholds and scores[name] >= thresholds[name]]
        others = [name for name in scores if name not in thresholds]
        decided = (max(reached or others or scores, key=scores.__getitem__),)
    return Classification(scores, decided, thresholds=dict(thresholds), is_calibrated=is_calibrated)
