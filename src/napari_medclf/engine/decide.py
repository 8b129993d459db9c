"""From probabilities to labels and classes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from napari_medclf.domain.arrays import BoolArray, FloatArray, LabelArray
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.output_spec import OutputSpec
from napari_medclf.domain.results import Classification

_DEFAULT_THRESHOLD = 0.5


def activate(logits: FloatArray, output: OutputSpec) -> None:
    """Turn logits (C, ...) float32 into probabilities in place, with the card's temperature."""
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


def values_of_channels(schema: LabelSchema) -> LabelArray:
    """List the label value of each channel: background, then the foreground classes in order."""
    values = [0, *(one.value for one in schema.foreground)]
    return np.array(values, dtype=np.uint8 if max(values) < 256 else np.uint16)


def decide_labels(channels: Iterable[FloatArray], output: OutputSpec) -> LabelArray:
    """Label every voxel with the most probable of the classes that reach their threshold there.

    Parameters
    ----------
    channels : iterable of (K, J, I) float32
        Probabilities: background first, then each foreground class in the schema's order; taken one
        after the other, so that they need not be in memory together.

    Returns
    -------
    (K, J, I) uint8 or uint16
        Label values of the schema; background is what reaches no threshold (0.5 unless the card says
        otherwise).
    """
    each = iter(channels)
    best = np.zeros_like(next(each))
    values = values_of_channels(output.schema_)
    labels = np.zeros(best.shape, dtype=values.dtype)
    for one, value, scores in zip(output.schema_.foreground, values[1:], each, strict=True):
        wins = (scores > best) & (scores >= output.thresholds.get(one.name, _DEFAULT_THRESHOLD))
        np.copyto(best, scores, where=wins)
        labels[wins] = value
    return labels


def decide_classes(probabilities: Sequence[float], output: OutputSpec, *, is_calibrated: bool) -> Classification:
    """Say which classes an image has.

    Notes
    -----
    Exclusive classes: of those that reach their threshold the most probable; if none does, the most
    probable of those without a threshold. Independent ones: all that reach theirs (0.5 by default).
    """
    scores = dict(zip(output.schema_.names, map(float, probabilities), strict=True))
    thresholds = output.thresholds
    if output.activation == "sigmoid":
        decided = tuple(name for name, p in scores.items() if p >= thresholds.get(name, _DEFAULT_THRESHOLD))
    else:
        reached = [name for name in scores if name in thresholds and scores[name] >= thresholds[name]]
        others = [name for name in scores if name not in thresholds]
        decided = (max(reached or others or scores, key=scores.__getitem__),)
    return Classification(scores, decided, thresholds=dict(thresholds), is_calibrated=is_calibrated)


def remove_small_objects(labels: LabelArray, schema: LabelSchema, min_object_vox: float) -> None:
    """Set connected objects (faces touch) of fewer voxels to background, in place, class by class."""
    from scipy import ndimage

    if min_object_vox <= 1:
        return
    for one in schema.foreground:
        numbers, n_objects = ndimage.label(labels == one.value)
        sizes = np.bincount(numbers.ravel(), minlength=n_objects + 1)
        is_small: BoolArray = sizes < min_object_vox
        is_small[0] = False
        labels[is_small[numbers]] = 0
