"""Go back to any moment: what was done on the labels, how they looked then, and one stroke that restores that."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QTimer
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QAbstractItemView, QHBoxLayout, QWidget

from napari_medclf.bridge.layers import LayerTuple, labels_layer
from napari_medclf.domain.errors import MedclfError
from napari_medclf.domain.events import Job, Progress
from napari_medclf.domain.stroke import StrokeKind
from napari_medclf.store.strokes.history import StrokeHistory
from napari_medclf.store.strokes.moment import Step
from napari_medclf.ui import notify, viewer_link
from napari_medclf.ui.correct.label_state import LabelState
from napari_medclf.ui.layer_book import same_layer
from napari_medclf.ui.layout import button, column, note
from napari_medclf.ui.session import Session
from napari_medclf.ui.tables import ResultsTable

_MOST_ROWS = 500
_WAIT_MS = 300
_INTRODUCTION = "Choose a moment to see the labels as they were after it."


@dataclass(frozen=True, eq=False)
class Past:
    """The labels as they were: (K, J, I) on the image's grid, and described for napari."""

    labels: NDArray[Any]
    layer: LayerTuple


class HistoryBox(QWidget):
    """All strokes on the labels that are meant, newest first, of every person, window and day."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._labels: Any = None
        self._steps: tuple[Step, ...] = ()
        self._shown: Any = None
        self._past: Past | None = None
        self._waiting = QTimer(self)
        self._waiting.setSingleShot(True)
        self._waiting.setInterval(_WAIT_MS)
        self._waiting.timeout.connect(self._read)
        layout = column(self, margin=0, spacing=6)
        self.told = note(_INTRODUCTION, self)
        layout.addWidget(self.told)
        self.table = ResultsTable(self)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.table.itemSelectionChanged.connect(self._on_chosen)
        layout.addWidget(self.table)
        layout.addLayout(self._buttons())
        session.painting.stroked.connect(self._on_change)
        session.painting.joined.connect(self._on_change)
        self._show_state()

    def follow(self) -> None:
        """Follow the labels that are meant; what was shown of others goes."""
        labels = self._session.labels_layer
        if not same_layer(labels, self._labels):
            self.drop()
            self._labels = labels
            self._show_steps(())
            self._read_soon()

    def showEvent(self, event: QShowEvent) -> None:
        """Read what was done while nobody looked."""
        super().showEvent(event)
        self._read_soon()

    def choose(self, row: int) -> None:
        """Show the labels as they were after a line of the list."""
        layer, state, step = self._labels, self._state(), self._steps[row]
        if state is not None:
            self._session.lane.add(
                "Looking back", partial(_look_back, state, step, layer.name), lambda past: self._show(layer, step, past)
            )

    def restore(self) -> None:
        """Make the labels as they are shown, by one stroke that can be taken back."""
        layer, state, past = self._labels, self._state(), self._past
        self.drop()
        if state is not None and past is not None:
            self._session.lane.add(
                "", partial(_changed_since, state, past.labels), lambda found: self._apply(layer, *found)
            )

    def drop(self) -> None:
        """Show the labels as they are now."""
        shown, self._shown, self._past = self._shown, None, None
        viewer = self._session.viewer
        if viewer is not None and shown is not None:
            if shown in viewer.layers:
                viewer.layers.remove(shown)
            if self._labels in viewer.layers:
                self._labels.visible = True
        self._show_state()

    def _buttons(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(6)
        tip = "Make the labels as they are shown; Ctrl+Z takes it back"
        self.restore_button = button("Restore", tip, self.restore, self)
        self.now = button("Back to now", "Show the labels as they are", self._leave, self)
        row.addWidget(self.restore_button, 1)
        row.addWidget(self.now, 1)
        return row

    def _state(self) -> LabelState | None:
        return None if self._labels is None else self._session.painting.state(self._labels)

    def _leave(self) -> None:
        self.table.clearSelection()
        self.drop()

    def _on_change(self, layer: Any, what: Any) -> None:
        if same_layer(layer, self._labels):
            self._leave()
            self._read_soon()

    def _on_chosen(self) -> None:
        rows = self.table.selectionModel().selectedRows()
        if rows:
            self.choose(rows[0].row())

    def _read_soon(self) -> None:
        if self.isVisible():
            self._waiting.start()

    def _read(self) -> None:
        layer, state = self._labels, self._state()
        if state is not None:
            self._session.lane.add("", partial(_list_steps, state), lambda steps: self._take(layer, steps))

    def _take(self, layer: Any, steps: tuple[Step, ...]) -> None:
        if same_layer(layer, self._labels) and self._shown is None:
            self._show_steps(steps[::-1][:_MOST_ROWS])

    def _show_steps(self, steps: tuple[Step, ...]) -> None:
        self._steps = steps
        self.table.show_rows(["when", "what", "voxels", "who"], [step_row(step) for step in steps])
        self._show_state()

    def _show(self, layer: Any, step: Step, past: Past) -> None:
        if self._session.viewer is None or not same_layer(layer, self._labels):
            return
        self.drop()
        viewer = self._session.viewer
        self._past, self._shown = past, viewer_link.add_layer(viewer, past.layer)
        self._shown.editable = False
        layer.visible = False
        viewer.layers.selection.active = layer
        self._show_state(f"Shown as it was at {_when(step)}. Nothing is changed yet.")

    def _show_state(self, text: str = "") -> None:
        nothing = _INTRODUCTION if self._steps else "Nobody has painted on these labels yet."
        self.told.setText(text or nothing)
        for one in (self.restore_button, self.now):
            one.setEnabled(self._past is not None)

    def _apply(self, layer: Any, voxels: NDArray[np.int64], values: NDArray[Any]) -> None:
        if not len(voxels):
            notify.tell("The labels are as they were then.")
            return
        try:
            self._session.painting.apply(layer, voxels, values, StrokeKind.TOOL, "restore")
        except MedclfError as error:
            notify.complain(str(error))


def step_row(step: Step) -> tuple[str, str, int, str]:
    """Describe one line of the list: when, what, how many voxels, and who."""
    what = step.tool.replace("-", " ") if step.kind is StrokeKind.TOOL and step.tool else step.kind.value
    return _when(step), what, step.n_vox, step.author or "–"


def _when(step: Step) -> str:
    """The time of this computer's zone, with the day where it is not today."""
    then = datetime.fromtimestamp(step.moment.t_ns / 1e9).astimezone()
    is_today = then.date() == datetime.now().astimezone().date()
    return then.strftime("%H:%M:%S" if is_today else "%Y-%m-%d %H:%M:%S")


def _history(state: LabelState) -> StrokeHistory:
    state.prepare()  # the image's digest may not be known before
    return StrokeHistory(state.folder, state.image.source.digest, state.journal_layer)


def _list_steps(state: LabelState) -> Job[tuple[Step, ...]]:
    yield Progress(0, 0)
    return _history(state).moments()


def _look_back(state: LabelState, step: Step, name: str) -> Job[Past]:
    yield Progress(0, 0)
    labels = _history(state).replay(until=step.moment).labels
    then = replace(state.segmentation, labels=labels, name=f"{name} · {_when(step)}")
    data, keywords, kind = labels_layer(then)
    # Without our metadata it is a picture of the past: nobody corrects or exports it in place of the labels.
    return Past(labels, (data, keywords | {"metadata": {}}, kind))


def _changed_since(state: LabelState, then: NDArray[Any]) -> Job[tuple[NDArray[np.int64], NDArray[Any]]]:
    yield Progress(0, 0)
    voxels = np.flatnonzero(then != state.labels)
    return voxels, then.reshape(-1)[voxels]
