"""The mouse of our painting tools: what is drawn is seen at once, and becomes one stroke when the mouse is let go."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QObject, Signal

from napari_medclf.domain.errors import MedclfError
from napari_medclf.domain.stroke import StrokeKind
from napari_medclf.engine.correct.change import Change, together
from napari_medclf.engine.correct.tools import BRUSHES, Tool, ToolOptions, Work, use_tool
from napari_medclf.jobs.paint import paint_with
from napari_medclf.ui import notify, viewer_link
from napari_medclf.ui.correct.held_mouse import HeldMouse
from napari_medclf.ui.correct.painting import show_values
from napari_medclf.ui.layer_book import same_layer
from napari_medclf.ui.overlays import source_index

if TYPE_CHECKING:
    from napari_medclf.bridge.layer_info import LayerInfo
    from napari_medclf.domain.arrays import FloatArray
    from napari_medclf.ui.correct.label_state import LabelState
    from napari_medclf.ui.session import Session

_SLOW = {
    Tool.INTERPOLATE: "Filling the slices between",
    Tool.PIECE: "",
    Tool.SPLIT: "",
    Tool.MERGE: "",
}


class ToolMouse(QObject):
    """Gives the left mouse button to a tool, on the labels that are meant.

    Parameters
    ----------
    options : callable
        What the person chose for the tools; raises OptionError where that cannot be.

    Signals
    -------
    chosen : another tool was chosen, or none.
    sampled : (low, high)
        The range of values under the brush, which the person asked for.
    """

    chosen = Signal()
    sampled = Signal(float, float)

    def __init__(self, session: Session, options: Callable[[], ToolOptions], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session, self._options = session, options
        self.tool: Tool | None = None
        self._held = HeldMouse(session, self._on_drag, lambda: self.choose(None))
        session.viewer.dims.events.ndisplay.connect(self._on_ndisplay)

    def close_down(self) -> None:
        """Give the mouse back, and let go of the viewer."""
        self._session.viewer.dims.events.ndisplay.disconnect(self._on_ndisplay)
        self.tool = None
        self._hold(None)

    def choose(self, tool: Tool | None) -> None:
        """Take up a tool; None gives the mouse back to napari."""
        layer = self._session.labels_layer
        if tool is not None and layer is None:
            notify.warn("There are no labels to paint on yet: run a model, or make new labels below.")
            tool = None
        self.tool = tool
        self._hold(None if tool is None else layer)
        self.chosen.emit()

    def follow(self) -> None:
        """Hold the labels that are meant now, with the tool that was chosen; it waits where there are none yet."""
        layer = self._session.labels_layer
        if self.tool is not None and not same_layer(layer, self._held.layer):
            self._hold(layer)

    def show_size(self) -> None:
        """Draw the circle under the mouse as large as the brush."""
        if self._held.layer is None or self.tool not in BRUSHES:
            return
        try:
            self._held.layer.cursor_size = 2 * self._options().radius_mm
        except MedclfError:
            return

    def run(self, tool: Tool) -> bool:
        """Use a tool that needs no mouse on the slice that is shown; whether there was something to use it on."""
        layer = self._session.labels_layer
        work = None if layer is None else self._work(layer, layer.selected_label, [])
        if layer is None or work is None:
            return False
        self._act(layer, tool, work)
        return True

    def _hold(self, layer: Any) -> None:
        """Let go of the layer that was held, and take another."""
        self._held.hold(layer, "circle" if self.tool in BRUSHES else "crosshair")
        self.show_size()

    def _on_ndisplay(self, event: Any) -> None:
        if self.tool is not None and event.value == 3:  # the mouse turns the volume there
            self.choose(None)

    def _on_drag(self, layer: Any, event: Any) -> Iterator[None]:
        """Follow the mouse from press to release; napari calls this for every event between."""
        if event.button != 1 or self.tool is None:
            return
        info = viewer_link.info_of(layer)
        value = 0 if "Shift" in event.modifiers else int(layer.selected_label)
        path = [_place(layer, info, event)]
        work = self._work(layer, value, path)
        if work is None or info is None:
            return
        if self.tool is Tool.RANGE and "Control" in event.modifiers:
            self._sample(work)
            return
        drag = _Drag(layer, self._session, self.tool, self._options, work)
        drag.move(path)
        yield
        while event.type == "mouse_move":
            path.append(_place(layer, info, event))  # the work holds this list
            drag.move(path[-2:])
            yield
        change = drag.let_go()
        if change is not None:
            self._commit(layer, self.tool, value, change)
        elif self.tool not in BRUSHES:
            self._act(layer, self.tool, work)

    def _work(self, layer: Any, value: int, path: list[FloatArray]) -> Work | None:
        """Gather what a tool is used on; None where nothing can be painted, and the person was told why."""
        session = self._session
        state = session.painting.state(layer)
        if state is None:
            return None
        axis = _shown_axis(session.viewer, layer, state.info)
        if axis is None:
            notify.warn("The tools work on a slice; leave the 3D view first.")
            return None
        if self.tool is Tool.PIECE and value == 0 and layer.selected_label:
            value = int(layer.selected_label)
        of_class = session.painting.probability_of
        return Work(
            labels=state.labels,
            spacing_mm=state.info.geometry.spacing,
            path=path,
            value=value,
            axis=axis,
            values=state.image.data if state.image.geometry.shape == state.labels.shape else None,
            origin=state.origin,
            probability=None if of_class is None or value == 0 else of_class(layer, value),
        )

    def _sample(self, work: Work) -> None:
        from napari_medclf.engine.correct.brush import Brush
        from napari_medclf.engine.correct.smart import range_under

        try:
            brush = Brush(self._options().radius_mm, work.spacing_mm, work.axis)
            low, high = range_under(work.values, work.path[0], brush, work.labels.shape)
        except MedclfError as error:
            notify.warn(str(error))
            return
        self.sampled.emit(low, high)

    def _act(self, layer: Any, tool: Tool, work: Work) -> None:
        """Use a tool on a worker; labels may be painted on meanwhile."""
        try:
            options = self._options()
        except MedclfError as error:
            notify.warn(str(error))
            return
        self._session.lane.add(
            _SLOW[tool],
            partial(paint_with, tool, work, options),
            partial(self._on_change, layer, tool, work.value),
            notify.warn,
        )

    def _on_change(self, layer: Any, tool: Tool, value: int, change: Change) -> None:
        state = self._session.painting.state(layer)
        if state is None:
            return
        is_same = state.labels.reshape(-1)[change.voxels] == change.before
        kept = Change(change.voxels[is_same], change.before[is_same], change.after[is_same])
        if not len(kept):
            notify.tell("There was nothing to change.")
            return
        self._commit(layer, tool, value, kept)

    def _commit(self, layer: Any, tool: Tool, value: int, change: Change) -> None:
        if not len(change):
            return
        kind = StrokeKind.TOOL
        if tool is Tool.BALL:
            kind = StrokeKind.PAINT if value else StrokeKind.ERASE
        self._session.painting.apply_change(layer, change, kind, str(tool))


class _Drag:
    """One drag of the mouse, drawn on the layer while it lasts; the labels themselves stay as they are."""

    def __init__(
        self, layer: Any, session: Session, tool: Tool, options: Callable[[], ToolOptions], work: Work
    ) -> None:
        self._layer, self._tool, self._options, self._work = layer, tool, options, work
        state = session.painting.state(layer)
        assert state is not None  # the work was made from it
        self._state: LabelState = state
        self._changes: list[Change] = []
        self._has_failed = False

    def move(self, path: list[FloatArray]) -> None:
        """Draw what the last step of the mouse, from one place to the next, adds."""
        if self._has_failed:
            return
        try:
            change = self._step(path)
        except MedclfError as error:
            self._has_failed = True
            notify.warn(str(error))
            return
        if change is not None and len(change):
            self._changes.append(change)
            self._draw(change)

    def let_go(self) -> Change | None:
        """End the drag: what a brush painted, None for other tools, whose line is taken away again."""
        drawn = together(self._changes, self._state.labels)
        is_brush = self._tool in BRUSHES
        if len(drawn) and (not is_brush or self._has_failed):
            show_values(self._layer, self._state, drawn.voxels)
        return drawn if is_brush else None

    def _step(self, path: list[FloatArray]) -> Change | None:
        last = replace(self._work, path=path)
        if self._tool in BRUSHES:
            return use_tool(self._tool, last, self._options())
        if self._tool is Tool.PIECE:
            return None
        thin = ToolOptions(radius_mm=0.5 * min(self._work.spacing_mm))
        shown = 0 if self._tool is Tool.SPLIT else int(self._work.labels[self._work.start])
        return use_tool(Tool.BALL, replace(last, value=shown), thin)

    def _draw(self, change: Change) -> None:
        shown = self._state.info.frame.from_display(self._layer.data)
        shown[np.unravel_index(change.voxels, shown.shape)] = change.after
        self._layer.refresh(extent=False, thumbnail=False, highlight=False)


def _place(layer: Any, info: LayerInfo | None, event: Any) -> FloatArray:
    """Where the mouse is, as index (k, j, i) of the image's grid."""
    assert info is not None  # labels of ours
    return source_index(layer, info, np.asarray(event.position, dtype=np.float64))


def _shown_axis(viewer: Any, layer: Any, info: LayerInfo) -> int | None:
    """The axis of the image's grid across which the shown slice lies; None in 3D."""
    if info.frame.is_flat:
        return 0
    found = viewer_link.visible_slice(viewer, layer)
    return None if found is None else found[0]
