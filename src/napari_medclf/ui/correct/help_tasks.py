"""The job behind the model's help: on a worker, it refits the last layer and labels what lies around the strokes."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_medclf.domain.arrays import FloatArray, LabelArray
from napari_medclf.domain.errors import CardError
from napari_medclf.domain.events import Job, Progress
from napari_medclf.domain.geometry import Shape3
from napari_medclf.domain.package import ModelPackage
from napari_medclf.engine.correct.lock import Merged
from napari_medclf.engine.grid.crop import Box
from napari_medclf.ui.correct.label_state import LabelState
from napari_medclf.ui.correct.painting import merge_into

if TYPE_CHECKING:
    from napari_medclf.engine.instant.corrections import Corrections
    from napari_medclf.engine.instant.label_head import LabelHead
    from napari_medclf.engine.instant.prompts import Prompt

_MOST_WHOLE_VOX = 4_000_000
"""Images of more are looked at in part: a 2-core laptop keeps the features of this many voxels in a few seconds."""
_REGION_VOX = (48, 128, 128)


@dataclass(frozen=True, eq=False)
class ChanceMap:
    """The probability of a label value, computed for the box that is asked for; 0 where the head did not look.

    Stands in for an array (K, J, I) where a tool reads a small box of it.
    """

    head: LabelHead
    value: int

    def __getitem__(self, box: tuple[slice, ...]) -> FloatArray:
        places = np.moveaxis(np.asarray(np.mgrid[box]), 0, -1)
        return self.head.chance_at(places.reshape(-1, 3), self.value).reshape(places.shape[:3])


@dataclass(frozen=True, eq=False)
class Helped:
    """What the model says now, brought together with what a person painted.

    Parameters
    ----------
    box : three (start, stop)
        Where, on the image's own grid.
    n_corrections : int
        Voxels it learned from.
    elapsed_s : float
        For the refit and the labels, without the first look at the image.
    """

    merged: Merged
    box: Box
    n_corrections: int
    elapsed_s: float


@dataclass(frozen=True, eq=False)
class PromptSaid:
    """What prompts said of an image.

    Parameters
    ----------
    learned : Corrections
        What the model learns from.
    sure : Corrections
        Of that, what clicks and lines were drawn on; a box says only roughly where something is.
    """

    learned: Corrections
    sure: Corrections

    def __add__(self, later: PromptSaid) -> PromptSaid:
        return PromptSaid(self.learned + later.learned, self.sure + later.sure)


class HeadKeeper:
    """Keeps the head of the image that is corrected; only used on the worker's thread."""

    def __init__(self) -> None:
        self._key: tuple[Any, ...] = ()
        self._head: LabelHead | None = None

    def head_of(self, state: LabelState) -> LabelHead | None:
        """The head that looked at the image of some labels; None before it was asked."""
        is_of_image = bool(self._key) and self._key[0] == state.image.source.digest
        return self._head if is_of_image else None

    def get(self, state: LabelState, package: ModelPackage, box: Box) -> Job[LabelHead]:
        """Look at the image once; again where the box lies outside of what was looked at."""
        from napari_medclf.engine.instant.open_head import open_head
        from napari_medclf.engine.instant.settings import InstantSettings

        key = (state.image.source.digest, package.folder, package.card.version, package.card.weights_sha256)
        if self._head is not None and self._key == key and _contains(self._head.region, box):
            return self._head
        self._head = None  # two at once may be too much for the memory
        yield Progress(0, 0, "loading the model")
        model = _load(package)
        yield Progress(0, 0, "looking at the image once")
        shape = state.labels.shape
        settings = InstantSettings(focus=_middle(box))
        self._head = yield from open_head(model, state.image, region_around(box, shape), settings)
        self._key = key
        return self._head


def help_here(
    keeper: HeadKeeper, state: LabelState, package: ModelPackage, box: Box, extra: PromptSaid | None = None
) -> Job[Helped]:
    """Refit the model's last layer on all corrections of the image, and label a box of it.

    Parameters
    ----------
    extra : PromptSaid or None
        What was said without painting, as by clicks.

    Raises
    ------
    MedclfError
        If the model cannot help: it labels no voxels, has other classes, or does not fit the image.
    """
    from napari_medclf.engine.instant.corrections import Corrections

    state.prepare()
    head = yield from keeper.get(state, package, box)
    started = time.perf_counter()
    corrections = Corrections.of_labels(state.labels, state.origin)
    if extra is not None:
        corrections = extra.learned + corrections  # of what was said twice, painting counts
    head.refit(corrections)
    inside = within(box, head.region)
    labels = head.labels_in(inside)
    if extra is not None:
        labels = obeyed(labels, inside, extra.sure)
    elapsed_s = time.perf_counter() - started
    merged = yield from merge_into(state, labels, tuple(slice(*ends) for ends in inside))
    return Helped(merged, inside, len(corrections), elapsed_s)


def answer_prompt_here(
    keeper: HeadKeeper,
    state: LabelState,
    package: ModelPackage,
    box: Box,
    prompt: Prompt,
    extra: PromptSaid | None = None,
) -> Job[tuple[PromptSaid, Helped]]:
    """Let a click, a scribble or a box be answered, and bring the answer together with what a person painted.

    Returns
    -------
    PromptSaid, Helped
        What the prompt said, and what came of it.

    Raises
    ------
    MedclfError
        As `help_here`.
    """
    from napari_medclf.engine.instant.corrections import Corrections
    from napari_medclf.engine.instant.prompts import BoxPrompt, answer_prompt

    state.prepare()
    head = yield from keeper.get(state, package, box)
    started = time.perf_counter()
    said = Corrections.of_labels(state.labels, state.origin)
    said = said if extra is None else extra.learned + said
    answer = answer_prompt(head, prompt, said)
    learned = Corrections(answer.corrections.voxels[len(said) :], answer.corrections.values[len(said) :])
    fresh = PromptSaid(learned, Corrections.none() if isinstance(prompt, BoxPrompt) else learned)
    labels = obeyed(answer.labels, answer.box, (fresh if extra is None else extra + fresh).sure)
    elapsed_s = time.perf_counter() - started
    merged = yield from merge_into(state, labels, tuple(slice(*ends) for ends in answer.box))
    return fresh, Helped(merged, answer.box, len(answer.corrections), elapsed_s)


def obeyed(labels: LabelArray, box: Box, sure: Corrections) -> LabelArray:
    """The model's labels (K, J, I) of a box, right at least where clicks and lines were drawn."""
    start, stop = np.array(box).T
    is_inside = ((sure.voxels >= start) & (sure.voxels < stop)).all(axis=1)
    right = labels.copy()
    right[tuple((sure.voxels[is_inside] - start).T)] = sure.values[is_inside]
    return right


def region_around(box: Box, shape: Shape3 | tuple[int, ...]) -> Box | None:
    """Choose what the model looks at: all of a small image (None), else a region around a box."""
    if shape[0] * shape[1] * shape[2] <= _MOST_WHOLE_VOX:
        return None
    ends = [_widened(*one, least, size) for one, least, size in zip(box, _REGION_VOX, shape, strict=True)]
    return ends[0], ends[1], ends[2]


def within(box: Box, region: Box) -> Box:
    """The part of a box that lies in a region."""
    ends = [(max(a, c), min(b, d)) for (a, b), (c, d) in zip(box, region, strict=True)]
    return ends[0], ends[1], ends[2]


def _widened(start: int, stop: int, least: int, size: int) -> tuple[int, int]:
    more = max(least - (stop - start), 0)
    start = max(0, min(start - more // 2, size - least))
    return start, min(size, max(stop, start + least))


def _contains(region: Box, box: Box) -> bool:
    return all(a <= c and d <= b for (a, b), (c, d) in zip(region, box, strict=True))


def _middle(box: Box) -> Shape3:
    k, j, i = ((start + stop) // 2 for start, stop in box)
    return k, j, i


def _load(package: ModelPackage) -> Any:
    from napari_medclf.engine.model import LoadedModel
    from napari_medclf.jobs.predict import RunOptions, load_package

    loaded = load_package(package, RunOptions(runtime="torch"))
    if not isinstance(loaded, LoadedModel):
        raise CardError(f"{package.name} runs outside of torch, so its last layer cannot follow strokes.")
    return loaded
