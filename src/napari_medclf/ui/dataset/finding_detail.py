"""What one finding is about: its whole sentence, and the pictures of its cases side by side."""

from __future__ import annotations

from qtpy.QtCore import QRect, QSize, Qt, Signal
from qtpy.QtGui import QMouseEvent, QPainter, QPaintEvent
from qtpy.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from napari_medclf.domain.quality import Finding
from napari_medclf.ui.dataset.findings import draw_picture, picture_key
from napari_medclf.ui.layout import note
from napari_medclf.ui.picker.thumbnails import Thumbnails

_MOST_PICTURES, _PICTURE_PX, _GAP_PX = 4, 76, 8


class FindingDetail(QWidget):
    """Shows the finding that is selected; hidden while there is none.

    Signals
    -------
    opened : str
        The case whose picture was clicked.
    """

    opened = Signal(str)

    def __init__(self, thumbnails: Thumbnails, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.sentence = note("", self)
        self.strip = _Strip(thumbnails, self)
        self.strip.opened.connect(self.opened)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addWidget(self.sentence)
        layout.addWidget(self.strip)
        self.show_finding(None)

    def show_finding(self, finding: Finding | None) -> None:
        """Replace what is shown."""
        self.setVisible(finding is not None)
        if finding is not None:
            self.sentence.setText(finding.sentence)
            self.strip.show_cases(finding.cases, finding.at)


class _Strip(QWidget):
    opened = Signal(str)

    def __init__(self, thumbnails: Thumbnails, parent: QWidget) -> None:
        super().__init__(parent)
        self._thumbnails = thumbnails
        self._cases: tuple[str, ...] = ()
        self._at: int | None = None
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setToolTip("Click on a picture to open its case")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        thumbnails.loaded.connect(lambda ref: self.update())

    def show_cases(self, case_ids: tuple[str, ...], at: int | None) -> None:
        self._cases, self._at = case_ids, at
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(200, _PICTURE_PX + self.fontMetrics().height() + 2)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        place = int(event.position().x()) // (_PICTURE_PX + _GAP_PX)
        if place < min(len(self._cases), _MOST_PICTURES):
            self.opened.emit(self._cases[place])

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        ink = self.palette().color(self.foregroundRole())
        metrics = painter.fontMetrics()
        for place, case_id in enumerate(self._cases[:_MOST_PICTURES]):
            left = place * (_PICTURE_PX + _GAP_PX)
            picture = self._thumbnails.get(picture_key(case_id, self._at if place == 0 else None))
            draw_picture(painter, QRect(left, 0, _PICTURE_PX, _PICTURE_PX), picture, ink)
            below = QRect(left, _PICTURE_PX + 1, _PICTURE_PX, metrics.height())
            name = metrics.elidedText(case_id, Qt.TextElideMode.ElideMiddle, _PICTURE_PX)
            painter.setPen(ink)
            painter.drawText(below, int(Qt.AlignmentFlag.AlignCenter), name)
        n_more = len(self._cases) - _MOST_PICTURES
        if n_more > 0:
            rest = QRect(_MOST_PICTURES * (_PICTURE_PX + _GAP_PX), 0, 60, _PICTURE_PX)
            painter.drawText(rest, int(Qt.AlignmentFlag.AlignVCenter), f"+{n_more}")
