"""Small pictures in rows of three; a click chooses one."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import QRect, QSize, Qt, Signal
from qtpy.QtGui import QMouseEvent, QPainter, QPaintEvent, QPixmap
from qtpy.QtWidgets import QSizePolicy, QWidget

from napari_medclf.domain.arrays import PixelArray
from napari_medclf.ui.dataset.findings import draw_picture
from napari_medclf.ui.picker.thumbnails import pixmap_of

_PER_ROW, _GAP_PX, _MOST_SIDE_PX = 3, 6, 130


class PictureGrid(QWidget):
    """Pictures with a name below each.

    Signals
    -------
    chosen : int
        Place of the picture that was clicked.
    """

    chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._pictures: list[QPixmap] = []
        self._names: list[str] = []
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setToolTip("Click on a picture to see it in the viewer")
        self.hide()

    def show_pictures(self, pictures: Sequence[PixelArray], names: Sequence[str]) -> None:
        """Replace the pictures; none hide the grid."""
        self._pictures, self._names = [pixmap_of(one) for one in pictures], list(names)
        self.setVisible(bool(self._pictures))
        self.updateGeometry()
        self.update()

    @property
    def n_pictures(self) -> int:
        """How many pictures there are."""
        return len(self._pictures)

    def place_px(self, place: int) -> QRect:
        """Where a picture is drawn."""
        side = self._side_px(self.width())
        row, column = divmod(place, _PER_ROW)
        return QRect(column * (side + _GAP_PX), row * (side + self._line_px()), side, side)

    def sizeHint(self) -> QSize:
        """Ask for room for all rows."""
        return QSize(_PER_ROW * _MOST_SIDE_PX, self.heightForWidth(_PER_ROW * _MOST_SIDE_PX))

    def heightForWidth(self, width: int) -> int:
        """Make rows as high as pictures are wide."""
        n_rows = -(-len(self._pictures) // _PER_ROW)
        return n_rows * (self._side_px(width) + self._line_px())

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose the picture under the mouse."""
        at = event.position().toPoint()
        found = next((place for place in range(len(self._pictures)) if self.place_px(place).contains(at)), None)
        if found is not None:
            self.chosen.emit(found)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the pictures and their names."""
        painter = QPainter(self)
        ink = self.palette().color(self.foregroundRole())
        for place, (picture, name) in enumerate(zip(self._pictures, self._names, strict=True)):
            box = self.place_px(place)
            draw_picture(painter, box, picture, ink)
            painter.setPen(ink)
            below = QRect(box.left(), box.bottom() + 1, box.width(), painter.fontMetrics().height())
            painter.drawText(below, int(Qt.AlignmentFlag.AlignCenter), name)

    def _side_px(self, width: int) -> int:
        return max(min((width - (_PER_ROW - 1) * _GAP_PX) // _PER_ROW, _MOST_SIDE_PX), 1)

    def _line_px(self) -> int:
        return int(self.fontMetrics().height() + _GAP_PX)
