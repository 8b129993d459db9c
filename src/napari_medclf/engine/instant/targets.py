"""What a label value means for the channels of a network."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_medclf.domain.arrays import FloatArray, LabelArray
from napari_medclf.domain.card import ModelCard, Task
from napari_medclf.domain.errors import SchemaError
from napari_medclf.engine.decide import values_of_channels

_LEARNED = {"flows": 1, "hover": 2}
"""Kinds of instances of which only the first channels are classes; the others point somewhere, and stay."""
_SUREST = 1e-6


@dataclass(frozen=True, eq=False)
class ChannelTargets:
    """What channels shall answer at N voxels.

    Parameters
    ----------
    right : (N, C) float32
        1 for channels that are right, 0 for others.
    is_known : (N, C) bool
        Which channels are spoken of at all.
    """

    right: FloatArray
    is_known: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.right)


@dataclass(frozen=True)
class Channels:
    """How the channels of a card's network stand to each other and to label values."""

    card: ModelCard

    @property
    def n_learned(self) -> int | None:
        """How many leading channels can be learned from labels; None for all."""
        return _LEARNED.get(self.card.output.instances) if self.card.task is Task.INSTANCES else None

    @property
    def is_exclusive(self) -> bool:
        """Whether one channel wins (softmax), or each says yes or no (sigmoid)."""
        output = self.card.output
        is_flows = self.card.task is Task.INSTANCES and output.instances == "flows"
        return output.activation == "softmax" and not is_flows

    def logits(self, answer: FloatArray) -> FloatArray:
        """Turn a network's answer (C, ...) into logits: itself, or those of its probabilities."""
        if not self.card.output.is_activated:
            return answer
        inside = np.clip(answer, _SUREST, 1 - _SUREST)
        return np.log(inside) if self.is_exclusive else np.log(inside) - np.log1p(-inside)

    def targets(self, values: LabelArray, logits: FloatArray) -> ChannelTargets:
        """Say what the channels shall answer where label values (N,) are right.

        Parameters
        ----------
        logits : (N, C)
            What they answer now; tells parts of an object apart that share a label value.

        Raises
        ------
        SchemaError
            If a value is no class of the model.
        """
        if self.card.task is Task.INSTANCES:
            return self._of_objects(values, logits)
        return self._of_classes(values, logits.shape[1])

    def _of_objects(self, values: LabelArray, logits: FloatArray) -> ChannelTargets:
        """An object's inside and border, or its one channel: whichever of them is the likelier."""
        output, n = self.card.output, logits.shape[1]
        right = np.zeros((len(values), n), np.float32)
        is_object = values > 0
        if not self.is_exclusive or (not output.has_background_channel and output.instances in _ONE_CHANNEL):
            right[is_object] = 1
        else:
            right[~is_object, 0] = 1
            inside = logits[is_object, 1:].argmax(axis=1) + 1
            right[np.flatnonzero(is_object), inside] = 1
        return ChannelTargets(right, np.ones(right.shape, dtype=bool))

    def _of_classes(self, values: LabelArray, n: int) -> ChannelTargets:
        output = self.card.output
        of_channel = values_of_channels(output.schema_, has_background=output.has_background_channel)
        strange = np.setdiff1d(values, [0, *of_channel])
        if len(strange):
            known = ", ".join(f"{one.value} {one.name}" for one in output.schema_.foreground)
            raise SchemaError(
                f"The model {self.card.name} knows no class with the label value {strange[0]}. Known: 0, {known}."
            )
        right = np.asarray(values[:, np.newaxis] == of_channel[np.newaxis, :n], dtype=np.float32)
        is_known = np.ones(right.shape, dtype=bool)
        if self.is_exclusive and not output.has_background_channel:
            is_known[values == 0] = False  # nothing of this network means background
        if output.priority:
            self._leave_open(values, of_channel, is_known)
        return ChannelTargets(right, is_known)

    def _leave_open(self, values: LabelArray, of_channel: LabelArray, is_known: NDArray[np.bool_]) -> None:
        """Regions that are painted before a class may lie under it: nothing is said of them there."""
        output = self.card.output
        order = [output.schema_.named(name).value for name in output.priority]
        rank = {value: order.index(value) if value in order else -1 for value in of_channel.tolist()}
        for value in np.unique(values[values > 0]).tolist():
            earlier = [channel for channel, one in enumerate(of_channel.tolist()) if rank[one] < rank[value]]
            is_known[np.ix_(values == value, earlier)] = False


_ONE_CHANNEL = ("components", "distance")
