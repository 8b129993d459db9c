"""The lock in the window: lock and unlock, see who drew what, and step through disagreements."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtWidgets import QCheckBox, QHBoxLayout, QWidget

from napari_medclf.domain.errors import MedclfError
from napari_medclf.domain.events import Job, Progress
from napari_medclf.domain.geometry import Unit
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.stroke import StrokeKind
from napari_medclf.engine.correct.change import paint_where
from napari_medclf.engine.correct.piece import piece_at
from napari_medclf.ui import notify, viewer_link
from napari_medclf.ui.correct.disagreeing import Disagreeing
from napari_medclf.ui.correct.label_state import LabelState
from napari_medclf.ui.correct.origin_layer import COLOURS, OriginCounts, OriginLayer
from napari_medclf.ui.layout import button, column, heading, note
from napari_medclf.ui.session import Session


class LockRow(QWidget):
    """What a person painted is locked: no model changes it until it is unlocked."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.origin = OriginLayer(session, self)
        self.disagreeing = Disagreeing(session, self)
        layout = column(self, margin=0, spacing=6)
        layout.addWidget(heading("Lock", self))
        self.counts = note("", self)
        layout.addWidget(self.counts)
        layout.addLayout(self._lock_buttons())
        self.who = QCheckBox("Show who drew what", self)
        self.who.setToolTip("A layer over the labels: the model's, yours, and where both say the same")
        self.who.toggled.connect(self.origin.show)
        layout.addWidget(self.who)
        self.pieces = note("", self)
        layout.addWidget(self.pieces)
        layout.addWidget(self._step_buttons())
        self.origin.counted.connect(self._show_counts)
        self.disagreeing.changed.connect(self._show_pieces)
        self._show_counts(None)
        self._show_pieces()

    def refresh(self) -> None:
        """Follow the labels that are meant."""
        self.origin.follow()
        self.disagreeing.follow()
        has_labels = self._session.painting.state(self._session.labels_layer) is not None
        self.setVisible(has_labels)
        self._show_pieces()

    def remove(self) -> None:
        """Take our layers away, and let go of the viewer."""
        self.origin.remove()
        self.disagreeing.remove()

    def toggle_lock(self) -> bool:
        """Lock what is under the mouse in the slice that is shown, or all of the slice; unlock it where all is locked.

        Returns
        -------
        bool
            False where there are no labels, so that the key keeps napari's meaning.
        """
        layer = self._session.labels_layer
        state = self._session.painting.state(layer)
        if state is None:
            return False
        voxels = self._meant(layer, state)
        if voxels is None:
            notify.warn("The lock works on a slice; leave the 3D view first.")
            return True
        is_locked = bool((state.origin.reshape(-1)[voxels] != 0).all())
        self._set(layer, state, voxels, StrokeKind.UNLOCK if is_locked else StrokeKind.LOCK)
        return True

    def next_disagreement(self) -> bool:
        """Go to the next place where the model contradicts the person; False without one."""
        return self.disagreeing.next()

    def _lock_buttons(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(6)
        self.lock = button(
            "Lock or unlock   (L)", "What is under the mouse, else all of the slice", self._toggle_slice, self
        )
        self.unlock = button("Unlock all", "Let models change everything again", self._unlock_all, self)
        row.addWidget(self.lock, 2)
        row.addWidget(self.unlock, 1)
        return row

    def _step_buttons(self) -> QWidget:
        self.steps = QWidget(self)
        row = QHBoxLayout(self.steps)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        self.next = button("Next   (D)", "Go to the next place; keeps yours", self.disagreeing.next, self)
        self.give_in = button("Take the model's", "Give the piece that is shown the model's class", self._give_in, self)
        row.addWidget(self.next, 1)
        row.addWidget(self.give_in, 1)
        return self.steps

    def _toggle_slice(self) -> None:
        self.toggle_lock()

    def _unlock_all(self) -> None:
        layer = self._session.labels_layer
        state = self._session.painting.state(layer)
        if state is not None:
            self._session.lane.add(
                "", partial(_locked_job, state), lambda voxels: self._set(layer, state, voxels, StrokeKind.UNLOCK)
            )

    def _give_in(self) -> None:
        if not self.disagreeing.give_in():
            self.disagreeing.next()

    def _meant(self, layer: Any, state: LabelState) -> NDArray[np.int64] | None:
        """The piece under the mouse in the slice that is shown, else the slice; None in 3D."""
        viewer = self._session.viewer
        if state.info.frame.is_flat:
            axis, index = 0, 0
        else:
            found = viewer_link.visible_slice(viewer, layer)
            if found is None:
                return None
            axis, index = found
        place = viewer_link.voxel_under_cursor(viewer, layer) if viewer.mouse_over_canvas else None
        if place is not None and place[axis] == index and state.labels[place]:
            box, mask = piece_at(state.labels, place, axis=axis)
        else:
            box = tuple(
                slice(index, index + 1) if at == axis else slice(0, n) for at, n in enumerate(state.labels.shape)
            )
            mask = np.ones(state.labels[box].shape, dtype=np.bool_)
        return paint_where(state.labels, box, mask, 0).voxels

    def _set(self, layer: Any, state: LabelState, voxels: NDArray[np.int64], kind: StrokeKind) -> None:
        if not len(voxels):
            return
        try:
            self._session.painting.apply(layer, voxels, state.labels.reshape(-1)[voxels], kind, str(kind))
        except MedclfError as error:
            notify.complain(str(error))

    def _show_counts(self, counts: OriginCounts | None) -> None:
        self.who.setChecked(self.origin.is_shown)
        self.unlock.setEnabled(counts is not None and counts.locked > 0)
        if counts is None:
            self.counts.setText("What you paint is locked: no model changes it.")
            return
        parts = (("you", counts.person), ("both", counts.both), ("model", counts.model))
        squares = "   ".join(
            f'<span style="color:{COLOURS[name]}">■</span> {name} {number:,}'.replace(",", "\u202f")
            for name, number in parts
        )
        self.counts.setText(f"Voxels by who drew them:<br>{squares}")

    def _show_pieces(self) -> None:
        pieces, shown = self.disagreeing.pieces, self.disagreeing.shown
        for widget in (self.pieces, self.steps):
            widget.setVisible(bool(pieces))
        self.give_in.setEnabled(shown is not None)
        if not pieces:
            return
        n_vox = sum(one.n_vox for one in pieces)
        places = "place" if len(pieces) == 1 else "places"
        text = f"The model disagrees with you in {len(pieces)} {places} ({self._size(n_vox)})."
        schema = self._session.schema
        if shown is not None and schema is not None:
            text += (
                f" Shown: {self.disagreeing.position}, {self._size(shown.n_vox)}. "
                f"You: {_name(schema, shown.person_value)}. Model: {_name(schema, shown.model_value)}."
            )
        self.pieces.setText(text)

    def _size(self, n_vox: int) -> str:
        state = self._session.painting.state(self._session.labels_layer)
        geometry = None if state is None else state.info.geometry
        if geometry is None or geometry.unit is Unit.PIXEL or geometry.is_flat:
            return f"{n_vox} voxels"
        return f"{n_vox * float(np.prod(geometry.spacing)) / 1000:.2f} mL"


def _locked_job(state: LabelState) -> Job[NDArray[np.int64]]:
    yield Progress(0, 0)
    return np.flatnonzero(state.origin).astype(np.int64)


def _name(schema: LabelSchema, value: int) -> str:
    """What a label value is called; numbers of objects stay numbers."""
    if value == 0:
        return "background"
    return next((one.name for one in schema.classes if one.value == value), f"object {value}")
