"""The mouse of prompts: a click, a line or a box on the labels becomes a question to the model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QObject, Signal

from napari_medclf.ui import notify, viewer_link
from napari_medclf.ui.correct.held_mouse import HeldMouse
from napari_medclf.ui.layer_book import same_layer
from napari_medclf.ui.overlays import source_index

if TYPE_CHECKING:
    from napari_medclf.bridge.layer_info import LayerInfo
    from napari_medclf.domain.arrays import FloatArray
    from napari_medclf.engine.grid.crop import Box
    from napari_medclf.engine.instant.prompts import Prompt
    from napari_medclf.ui.session import Session

_LEAST_BOX_VOX = 3


class PromptKind(StrEnum):
    """What the mouse says to the model."""

    CLICK = "click"
    SCRIBBLE = "scribble"
    BOX = "box"


class PromptMouse(QObject):
    """Gives the left mouse button to a prompt, on the labels that are meant.

    Parameters
    ----------
    ask : callable
        Gets the layer and the prompt; False where no model can be asked.
    radius : callable
        Of clicks and scribbles, in mm (px where the image has none).

    Signals
    -------
    chosen : another kind was chosen, or none.
    """

    chosen = Signal()

    def __init__(
        self,
        session: Session,
        ask: Callable[[Any, Prompt], bool],
        radius: Callable[[], float],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._session, self._ask, self._radius = session, ask, radius
        self.kind: PromptKind | None = None
        self._held = HeldMouse(session, self._on_drag, lambda: self.choose(None))

    def choose(self, kind: PromptKind | None) -> None:
        """Take up a kind of prompt; None gives the mouse back to napari."""
        layer = self._session.labels_layer
        if kind is not None and layer is None:
            notify.warn("There are no labels to correct yet: run a model, or make new labels below.")
            kind = None
        self.kind = kind
        self._held.hold(None if kind is None else layer)
        self.chosen.emit()

    def follow(self) -> None:
        """Hold the labels that are meant now."""
        layer = self._session.labels_layer
        if self.kind is None or same_layer(layer, self._held.layer):
            return
        if layer is None:
            self.choose(None)
        else:
            self._held.hold(layer)

    def _on_drag(self, layer: Any, event: Any) -> Iterator[None]:
        """Follow the mouse from press to release; napari calls this for every event between."""
        info = viewer_link.info_of(layer)
        if event.button != 1 or self.kind is None or info is None:
            return
        value = 0 if "Shift" in event.modifiers else int(layer.selected_label)
        path = [_place(layer, info, event)]
        yield
        while event.type == "mouse_move":
            path.append(_place(layer, info, event))
            yield
        prompt = self._prompt(path, value, info)
        if prompt is not None and not self._ask(layer, prompt):
            notify.warn("Choose a model in the Run tab first; then it answers clicks, scribbles and boxes.")

    def _prompt(self, path: list[FloatArray], value: int, info: LayerInfo) -> Prompt | None:
        from napari_medclf.engine.instant.prompts import BoxPrompt, Click, Scribble

        shape = info.geometry.shape
        if self.kind is PromptKind.BOX:
            box = _box_of(path[0], path[-1], shape)
            if box is None or value == 0:
                notify.tell("Draw the box around the object, with the object's class chosen.")
                return None
            return BoxPrompt(box, value)
        points = [one for one in path if all(-0.5 <= at < size - 0.5 for at, size in zip(one, shape, strict=True))]
        if not points:
            return None
        if self.kind is PromptKind.CLICK:
            k, j, i = (round(float(at)) for at in points[0])
            return Click((k, j, i), value, self._radius())
        return Scribble([(float(k), float(j), float(i)) for k, j, i in points], value, self._radius())


def _place(layer: Any, info: LayerInfo, event: Any) -> FloatArray:
    """Where the mouse is, as index (k, j, i) of the image's grid."""
    return source_index(layer, info, np.asarray(event.position, dtype=np.float64))


def _box_of(start: FloatArray, end: FloatArray, shape: tuple[int, int, int]) -> Box | None:
    """The box between two corners, one slice thick across the slice that is shown; None where it is too small."""
    low, high = np.rint(np.minimum(start, end)).astype(int), np.rint(np.maximum(start, end)).astype(int) + 1
    low, high = np.clip(low, 0, np.array(shape) - 1), np.clip(high, 1, shape)
    if sum(b - a >= _LEAST_BOX_VOX for a, b in zip(low, high, strict=True)) < 2:
        return None
    k, j, i = ((int(a), int(b)) for a, b in zip(low, high, strict=True))
    return k, j, i
