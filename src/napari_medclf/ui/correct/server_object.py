"""The object that a server is asked about: its prompts, its voxels, and how it was before each answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from napari_medclf.backends.nninteractive import Prompt
    from napari_medclf.engine.instant.prompts import Prompt as ShownPrompt
    from napari_medclf.ui.correct.server_talk import ServerAnswer


@dataclass(frozen=True, eq=False)
class Moment:
    """What was said of the object, and which voxels (N,) int64, sorted, the server gave it."""

    prompts: tuple[Prompt, ...] = ()
    voxels: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))


class ServerObject:
    """One object of a labels layer.

    Parameters
    ----------
    layer_id : hashable
        Of the layer, for as long as it lives.
    value : int
        Label value of the object.
    """

    def __init__(self, layer_id: Any, value: int) -> None:
        self.layer_id, self.value = layer_id, value
        self._moments = [Moment()]
        self._undone: list[Moment] = []
        self._under = Moment().voxels, Moment().voxels

    @property
    def now(self) -> Moment:
        """As it is now."""
        return self._moments[-1]

    def with_prompt(self, prompt: Prompt) -> tuple[Prompt, ...]:
        """All prompts, with one more."""
        return (*self.now.prompts, prompt)

    def changes(self, answer: ServerAnswer, labels: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[Any]]:
        """Say which voxels of labels become what: the object its value, what it leaves what was there before it.

        Parameters
        ----------
        labels : (K, J, I) integer
            As they are now.
        """
        values = labels.reshape(-1)[answer.fresh]
        known, under = self._under
        is_new = ~np.isin(answer.fresh, known, assume_unique=True)
        self._under = np.concatenate([known, answer.fresh[is_new]]), np.concatenate([under, values[is_new]])
        order = np.argsort(self._under[0])
        back = self._under[1][order[np.searchsorted(self._under[0], answer.gone, sorter=order)]]
        after = np.concatenate([np.full(len(answer.voxels), self.value, np.int64), back.astype(np.int64)])
        return np.concatenate([answer.voxels, answer.gone]), after

    def put(self, prompts: tuple[Prompt, ...], answer: ServerAnswer, *, is_step: bool) -> None:
        """Remember an answer; one that changed nothing is no step that can be taken back."""
        if not is_step:
            self._moments.pop()
        self._moments.append(Moment(prompts, answer.voxels))
        self._undone.clear()

    def take_back(self) -> None:
        """The person took the last answer back."""
        if len(self._moments) > 1:
            self._undone.append(self._moments.pop())

    def make_again(self) -> None:
        """The person made the answer again that was taken back last."""
        if self._undone:
            self._moments.append(self._undone.pop())


def for_server(prompt: ShownPrompt) -> Prompt:
    """Say a prompt in the server's words."""
    from napari_medclf.backends.nninteractive import Box, Point, Scribble
    from napari_medclf.engine.instant.prompts import BoxPrompt, Click

    if isinstance(prompt, Click):
        return Point(prompt.index, is_inside=prompt.value != 0)
    if isinstance(prompt, BoxPrompt):
        (k, k_end), (j, j_end), (i, i_end) = prompt.box
        return Box((k, j, i), (k_end, j_end, i_end))
    return Scribble(tuple(prompt.points), is_inside=prompt.value != 0)
