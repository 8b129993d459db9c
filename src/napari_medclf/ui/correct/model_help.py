"""The model helps while a person corrects: ``R`` here and now, or after each stroke."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from qtpy.QtCore import QObject, QTimer, Signal

from napari_medclf.bridge.strokes import source_shape
from napari_medclf.domain.arrays import FloatArray
from napari_medclf.domain.package import ModelPackage
from napari_medclf.domain.stroke import Stroke, StrokeKind
from napari_medclf.engine.grid.crop import Box
from napari_medclf.ui import notify, viewer_link
from napari_medclf.ui.correct.help_tasks import (
    ChanceMap,
    HeadKeeper,
    Helped,
    PromptSaid,
    answer_prompt_here,
    help_here,
)
from napari_medclf.ui.correct.label_state import LabelState
from napari_medclf.ui.lane import Lane
from napari_medclf.ui.layer_book import LayerBook
from napari_medclf.ui.session import Session

if TYPE_CHECKING:
    from napari_medclf.engine.instant.prompts import Prompt

_AFTER_STROKE_MS = 120
_HELP, _PROMPT = "instant-head", "prompt"
_MARGIN_SHARE, _LEAST_MARGIN_VOX, _MARGIN_SLICES = 0.5, 12, 2
_OF_PERSON = frozenset({StrokeKind.PAINT, StrokeKind.ERASE, StrokeKind.FILL, StrokeKind.TOOL, StrokeKind.LOCK})


class ModelHelp(QObject):
    """Asks the model about the neighbourhood of the last stroke, and keeps its answer away from what is locked.

    Parameters
    ----------
    chosen : callable
        The model to ask where the labels do not say which one made them.

    Signals
    -------
    told : str
        What happened, in a line.
    """

    told = Signal(str)

    def __init__(
        self, session: Session, chosen: Callable[[], ModelPackage | None], parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._session, self._chosen = session, chosen
        self.is_live = False
        self._keeper = HeadKeeper()
        self._lane = Lane(self)  # of its own: the next image may be read meanwhile
        session.helpers.append(lambda: self._lane.is_busy)
        self._lane.busy.connect(self.told)
        self._beside: LayerBook[list[PromptSaid]] = LayerBook()
        self._last: tuple[Any, Box] | None = None
        session.painting.left.connect(self._forget)
        self._is_wanted_again = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_AFTER_STROKE_MS)
        self._timer.timeout.connect(self.here)
        session.painting.stroked.connect(self._on_stroke)
        session.painting.probability_of = self._probability

    @property
    def is_busy(self) -> bool:
        """Whether the model is being asked."""
        return self._lane.is_busy

    def here(self) -> bool:
        """Ask the model about the last stroke's neighbourhood, or about what is shown; False without labels."""
        layer = self._session.labels_layer
        state = self._session.painting.state(layer)
        if layer is None or state is None:
            return False
        package = self._package(state)
        if package is None:
            notify.warn("Choose a model in the Run tab first; then R asks it about what you painted.")
            return True
        if self._lane.is_busy:
            self._is_wanted_again = True
            return True
        box, keeper, extra = self._box(layer, state), self._keeper, self.said_beside(layer)
        self._lane.add(
            f"{package.name} looks here",
            lambda: help_here(keeper, state, package, box, extra),
            lambda helped: self._take(layer, helped, _HELP),
            self._on_failure,
        )
        return True

    def ask(self, layer: Any, prompt: Prompt) -> bool:
        """Let a click, a scribble or a box be answered; False without labels or a model."""
        state = self._session.painting.state(layer)
        package = None if state is None else self._package(state)
        if state is None or package is None:
            return False
        box, keeper = self._box(layer, state), self._keeper
        self._lane.add(
            f"{package.name} answers",
            # what was said until this one's turn, as prompts may come faster than answers
            lambda: answer_prompt_here(keeper, state, package, box, prompt, self.said_beside(layer)),
            lambda answered: self._take_answer(layer, *answered),
            self._on_failure,
        )
        return True

    def _probability(self, layer: Any, value: int) -> FloatArray | None:
        """Say how probable a label value is, where the model was asked about this image."""
        state = self._session.painting.state(layer)
        head = None if state is None else self._keeper.head_of(state)
        # what a tool reads of it is a box; nothing else of an array is needed
        return None if head is None else cast("FloatArray", ChanceMap(head, value))

    def said_beside(self, layer: Any) -> PromptSaid | None:
        """What was said about a layer by prompts, without painting."""
        known = self._beside.get(layer)
        if not known:
            return None
        total = known[0]
        for one in known[1:]:
            total = total + one
        return total

    def close_down(self) -> None:
        """Ask no more, and wait for the answer that is being made."""
        self._timer.stop()
        self.is_live = False
        self._lane.finish_all()

    def _package(self, state: LabelState) -> ModelPackage | None:
        prediction = state.info.prediction
        made = [one for one in self._session.packages if prediction is not None and one.name == prediction.model]
        package = made[0] if made else self._chosen()
        return None if package is None else self._session.in_use(package)

    def _box(self, layer: Any, state: LabelState) -> Box:
        shape = source_shape(layer.data.shape, state.info.frame)
        if self._last is not None and self._last[0] == layer.unique_id:
            return _grown(self._last[1], shape)
        image = self._session.image_layer
        seen = None if image is None else viewer_link.visible_slice(self._session.viewer, image)
        ends = [(0, size) for size in shape]
        if seen is not None:
            ends[seen[0]] = (seen[1], seen[1] + 1)
        return _grown((ends[0], ends[1], ends[2]), shape)

    def _forget(self, layer: Any) -> None:
        self._last = None
        self._beside.forget(layer)

    def _on_stroke(self, layer: Any, stroke: Stroke) -> None:
        state = self._session.painting.state(layer)
        if stroke.kind is StrokeKind.UNDO and stroke.tool == _PROMPT:
            self._beside.put(layer, (self._beside.get(layer) or [])[:-1])
        if state is None or stroke.kind not in _OF_PERSON or not len(stroke):
            return
        places = np.unravel_index(stroke.voxels, source_shape(layer.data.shape, state.info.frame))
        k, j, i = ((int(one.min()), int(one.max()) + 1) for one in places)
        self._last = (layer.unique_id, (k, j, i))
        if self.is_live:
            self._timer.start()

    def _take_answer(self, layer: Any, said: PromptSaid, helped: Helped) -> None:
        self._beside.put(layer, [*(self._beside.get(layer) or []), said])
        self._take(layer, helped, _PROMPT)

    def _take(self, layer: Any, helped: Helped, tool: str) -> None:
        if self._session.viewer is None or layer not in self._session.viewer.layers:
            return
        self._session.painting.take_merged(layer, helped.merged, tool)
        n_changed = helped.merged.change.n_changed
        learned = f"Learned from {helped.n_corrections} of your voxels" if helped.n_corrections else "Asked again"
        self.told.emit(f"{learned}: {n_changed} others changed ({helped.elapsed_s:.2f}\u00a0s).")
        if self._is_wanted_again:
            self._is_wanted_again = False
            self._timer.start()

    def _on_failure(self, message: str) -> None:
        self._is_wanted_again = False
        self.is_live = False
        notify.complain(message)
        self.told.emit(message)


def _grown(box: Box, shape: tuple[int, ...]) -> Box:
    """Add half of a box's size on every side, some slices at least, as far as the image reaches."""
    grown = []
    for (start, stop), size in zip(box, shape, strict=True):
        least = _LEAST_MARGIN_VOX if stop - start > 1 else _MARGIN_SLICES
        margin = max(round(_MARGIN_SHARE * (stop - start)), least)
        grown.append((max(0, start - margin), min(size, stop + margin)))
    return grown[0], grown[1], grown[2]
