"""Which channels a network for instances answers with, and what they become."""

from __future__ import annotations

import numpy as np

from napari_medclf.domain.arrays import BoolArray, FloatArray
from napari_medclf.domain.output_spec import OutputSpec
from napari_medclf.engine.decide import activate

_DEFAULT_THRESHOLD = 0.5


def count_channels(output: OutputSpec, spatial_dims: int) -> int:
    """How many channels a card promises: see `OutputSpec.instances`."""
    if output.instances == "flows":
        return 1 + spatial_dims
    counts = {"border": 3, "hover": 4}
    return counts.get(output.instances, 1 + int(output.has_background_channel))


def activate_channels(logits: FloatArray, output: OutputSpec) -> None:
    """Turn the channels that are probabilities into such, in place; flows and distances stay as they are."""
    if output.is_activated:
        return
    if output.instances == "flows":
        activate(logits[:1], output.model_copy(update={"activation": "sigmoid"}))
    elif output.instances == "hover":
        activate(logits[:2], output)
    else:
        activate(logits, output)


def is_object(channels: FloatArray, output: OutputSpec) -> BoolArray:
    """Where (*spatial) an object is, of activated channels (C, *spatial)."""
    threshold = output.thresholds.get(output.schema_.foreground[0].name, _DEFAULT_THRESHOLD)
    if output.instances == "border":
        return np.asarray(1 - channels[0] > threshold)
    is_last = output.instances != "flows" and output.has_background_channel
    return np.asarray(channels[1 if is_last else 0] > threshold)
