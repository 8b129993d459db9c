"""Where mirrored images and members disagree, found in the very walk that labels the image."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from napari_medclf.domain.arrays import FloatArray
from napari_medclf.engine.answers.inference import Inference
from napari_medclf.engine.answers.labels_home import is_argmax
from napari_medclf.engine.grid.grid_map import GridMap
from napari_medclf.engine.restore.sink import Sink
from napari_medclf.engine.restore.whole import WholeLogits
from napari_medclf.engine.sliding.run_batch import run_batch
from napari_medclf.engine.sliding.window import Window

# Of two voters the part that disagrees says less than the entropy of their mean.
_FEWEST_VOTES = 3


def counts_votes(inference: Inference, window: Window) -> bool:
    """Whether doubt is wanted, and enough mirrored images or members vote on one class."""
    output = inference.card.output
    n_votes = len(window.flips) * output.n_members
    return inference.settings.is_uncertainty_wanted and is_argmax(output) and n_votes >= _FEWEST_VOTES


class DoubtingNetwork:
    """Mirrors windows itself, and adds a last channel: the part of the votes for another class than the mean's.

    Parameters
    ----------
    network : callable
        (N, C, *spatial) to logits (N, members * classes, *spatial).
    flips : sequence of tuple of int
        As `Window.flips`.
    """

    def __init__(
        self, network: Callable[[Tensor], Tensor], flips: Sequence[tuple[int, ...]], n_members: int = 1
    ) -> None:
        self._network, self._flips, self._n_members = network, tuple(flips), n_members

    def __call__(self, windows: Tensor) -> Tensor:
        """Return (N, members * classes + 1, *spatial): the mean over the flips, and the doubt."""
        total: Tensor | None = None
        votes: list[Tensor] = []
        for flip in self._flips:
            answer = run_batch(self._network, windows, flip)
            votes += self._votes(answer)
            total = answer.clone() if total is None else total.add_(answer)
        assert total is not None  # not to flip is one of the flips
        mean = total.div_(len(self._flips))
        winner = self._by_member(mean).mean(dim=1).argmax(dim=1)
        doubt = torch.stack([(vote != winner).to(mean.dtype) for vote in votes]).mean(dim=0)
        return torch.cat([mean, doubt.unsqueeze(1)], dim=1)

    def _votes(self, answer: Tensor) -> list[Tensor]:
        return list(self._by_member(answer).argmax(dim=2).unbind(dim=1))

    def _by_member(self, answer: Tensor) -> Tensor:
        return answer.unflatten(1, (self._n_members, -1))


class DoubtHome:
    """A sink before another one: keeps the last channel, hands on the others."""

    def __init__(self, sink: Sink, grid: GridMap, axis: int) -> None:
        self._sink, self._grid = sink, grid
        self._whole = WholeLogits(grid.shape, axis)

    def take(self, start: int, logits: FloatArray) -> None:
        """Take the next slab (C + 1, K, J, I)."""
        self._whole.take(start, logits[-1:])
        self._sink.take(start, logits[:-1])

    def finish(self) -> FloatArray:
        """Give the doubt (K, J, I) float32, 0 to 1, on the source grid."""
        return np.clip(self._grid.restore(self._whole.finish())[0], 0, 1)
