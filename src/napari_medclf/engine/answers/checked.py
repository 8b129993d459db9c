"""Make sure that what a network answers is usable, also where it is seen in parts."""

from __future__ import annotations

import numpy as np

from napari_medclf.domain.arrays import FloatArray
from napari_medclf.domain.card import ModelCard, Task
from napari_medclf.domain.errors import CardError, MedclfError
from napari_medclf.engine.instances.channels import count_channels
from napari_medclf.engine.restore.sink import Sink


class LogitsCheck:
    """Looks at all logits of a run, some at a time."""

    def __init__(self, card: ModelCard) -> None:
        self._card = card
        self._n_expected = count_outputs(card) * card.output.n_members
        self._lowest = np.full(self._n_expected, np.inf)
        self._highest = np.full(self._n_expected, -np.inf)
        self._is_by_channel = True
        self._n_seen = 0

    def look(self, logits: FloatArray) -> None:
        """Look at logits (classes, ...).

        Raises
        ------
        CardError
            If there are more or fewer channels than the card says.
        MedclfError
            If they are not finite.
        """
        if len(logits) != self._n_expected:
            what = "scores" if self._card.task.is_of_whole_image else "channels"
            raise CardError(
                f"The network of {self._card.name!r} has {len(logits)} {what}, but its card says {self._n_expected}."
            )
        self._is_by_channel = logits.ndim == 4
        self._n_seen += logits.size
        axes = tuple(range(1, logits.ndim))
        self._lowest = np.minimum(self._lowest, logits.min(axis=axes))
        self._highest = np.maximum(self._highest, logits.max(axis=axes))
        if not (np.isfinite(self._lowest).all() and np.isfinite(self._highest).all()):
            raise MedclfError(
                f"{self._card.name} answered with numbers that are not finite. The weights are damaged, or the image's "
                "values are far outside of what the model knows."
            )

    def finish(self, data: FloatArray) -> None:
        """Refuse an answer that is the same everywhere though the input (C, K, J, I) is not.

        Raises
        ------
        MedclfError
            If it is.
        """
        each_is_constant = bool((self._lowest == self._highest).all())
        is_constant = each_is_constant if self._is_by_channel else self._lowest.min() == self._highest.max()
        is_one_number = self._n_seen == 1  # one class of one picture: it has nothing to be unlike to
        if is_constant and not is_one_number and np.ptp(data) > 0:
            raise MedclfError(
                f"{self._card.name} gave the same answer everywhere: its weights are damaged or not trained."
            )


class CheckedSink:
    """A sink before another one, that refuses what is not usable."""

    def __init__(self, sink: Sink, check: LogitsCheck) -> None:
        self._sink, self._check = sink, check

    def take(self, start: int, logits: FloatArray) -> None:
        """Take the next slab (C, K, J, I)."""
        self._check.look(logits)
        self._sink.take(start, logits)


def count_outputs(card: ModelCard) -> int:
    """How many channels or scores a card promises."""
    if card.task.is_of_whole_image:
        return len(card.schema_) - (card.output.activation == "ordinal")
    if card.task is Task.INSTANCES:
        return count_channels(card.output, card.input.spatial_dims)
    return len(card.schema_.foreground) + card.output.has_background_channel
