"""Where a new answer of the model contradicts what a person painted: piece after piece, to keep or to give in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QObject, QTimer, Signal

from napari_medclf.domain.stroke import StrokeKind
from napari_medclf.ui import viewer_link
from napari_medclf.ui.correct.drawn_layer import add_hidden
from napari_medclf.ui.layer_book import LayerBook, same_layer

if TYPE_CHECKING:
    from napari_medclf.domain.stroke import Stroke
    from napari_medclf.engine.correct.lock import Disagreement, Merged
    from napari_medclf.ui.session import Session

_COLOUR = "#39FF14"


class Disagreeing(QObject):
    """The pieces on the labels that are meant, and the one that is looked at.

    Signals
    -------
    changed : there are other pieces, or another one is looked at.
    """

    changed = Signal()

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._pieces: LayerBook[list[Disagreement]] = LayerBook()
        self._at: Disagreement | None = None
        self._mark: Any = None
        self._marked: Any = None
        session.painting.merged.connect(self._on_merged)
        session.painting.left.connect(self._pieces.forget)
        session.painting.stroked.connect(self._on_stroke)
        session.painting.joined.connect(lambda layer, voxels: self._drop_settled(layer))
        session.viewer.layers.events.removed.connect(self._on_removed)

    @property
    def pieces(self) -> tuple[Disagreement, ...]:
        """Those that are still open, the largest first."""
        return tuple(self._pieces.get(self._session.labels_layer) or ())

    @property
    def shown(self) -> Disagreement | None:
        """The one that is looked at."""
        return self._at

    @property
    def position(self) -> int:
        """Which one of `pieces` is looked at, from 1; 0 for none."""
        return next((number for number, one in enumerate(self.pieces, start=1) if one is self._at), 0)

    def next(self) -> bool:
        """Go to the next piece; False where there is none."""
        pieces = self.pieces
        if not pieces:
            return False
        self._look_at(pieces[self.position % len(pieces)])
        return True

    def give_in(self) -> bool:
        """Take the model's value for the piece that is looked at, as one stroke; False without one."""
        layer, piece = self._session.labels_layer, self._at
        state = self._session.painting.state(layer)
        if piece is None or state is None:
            return False
        change = piece.taken(state.labels)
        following = self._after(piece)
        self._session.painting.apply_change(layer, change, StrokeKind.TOOL, "give-in")
        if following is not None and following in self.pieces:
            self._look_at(following)
        return True

    def follow(self) -> None:
        """Look at nothing any more where other labels are meant now."""
        if not same_layer(self._session.labels_layer, self._marked):
            self._take_away()
        if self._at is not None and self.position == 0:
            self._leave()

    def remove(self) -> None:
        """Let go of the viewer."""
        self._session.viewer.layers.events.removed.disconnect(self._on_removed)
        self._at = None
        self._take_away()

    def _after(self, piece: Disagreement) -> Disagreement | None:
        others = [one for one in self.pieces if one is not piece]
        return others[(self.position - 1) % len(others)] if others else None

    def _on_merged(self, layer: Any, merged: Merged) -> None:
        self._pieces.put(layer, list(merged.disagreements))
        self._leave()
        if merged.disagreements:
            QTimer.singleShot(0, lambda: self._prepare(layer))

    def _on_stroke(self, layer: Any, stroke: Stroke) -> None:
        if stroke.kind is not StrokeKind.MODEL:
            self._drop_settled(layer)

    def _drop_settled(self, layer: Any) -> None:
        """Drop the pieces that painting settled; an undo may bring none back until the model is asked again."""
        pieces, state = self._pieces.get(layer), self._session.painting.state(layer)
        if not pieces or state is None:
            return
        is_open = [one for one in pieces if not one.is_settled(state.labels, state.origin)]
        if len(is_open) == len(pieces):
            return
        self._pieces.put(layer, is_open)
        if self._at is not None and not any(one is self._at for one in is_open):
            self._leave()
        self.changed.emit()

    def _on_removed(self, event: Any) -> None:
        if self._mark is not None and same_layer(event.value, self._mark):
            self._mark = None

    def _look_at(self, piece: Disagreement) -> None:
        self._at = piece
        layer = self._session.labels_layer
        state = self._session.painting.state(layer)
        if state is not None:
            viewer_link.centre_on(self._session.viewer, layer, piece.place)
            self._draw(layer, piece)
        self.changed.emit()

    def _draw(self, labels: Any, piece: Disagreement) -> None:
        """Outline the piece on a layer of its own, no larger than the piece; the same layer for one after the other."""
        info = viewer_link.info_of(labels)
        if info is None:
            return
        first, last = ([at(part) for part in piece.box] for at in (_first, _last))
        ends = [info.frame.to_display_index(corner, info.geometry.shape) for corner in (first, last)]
        mask = np.array(info.frame.to_display(piece.mask), dtype=np.uint8, order="C")
        self._prepare(labels)
        self._mark.data = mask
        self._mark.translate = labels.translate + labels.scale * np.min(ends, axis=0)
        self._mark.visible = True

    def _prepare(self, labels: Any) -> None:
        """Have the layer there, hidden, before the first piece is asked for: making it takes longer than drawing."""
        if self._mark is None and same_layer(labels, self._session.labels_layer):
            colours: dict[int | None, str] = {None: "transparent", 0: "transparent", 1: _COLOUR}
            mark = add_hidden(self._session.viewer, labels, "model disagrees", colours, opacity=1.0)
            mark.contour = 1
            self._mark, self._marked = mark, labels

    def _leave(self) -> None:
        self._at = None
        if self._mark is not None:
            self._mark.visible = False  # napari 0.9 takes a tenth of a second to make a layer
        self.changed.emit()

    def _take_away(self) -> None:
        mark, self._mark, self._marked = self._mark, None, None
        if mark is not None and mark in self._session.viewer.layers:
            self._session.viewer.layers.remove(mark)


def _first(part: slice) -> int:
    return int(part.start)


def _last(part: slice) -> int:
    return int(part.stop) - 1
