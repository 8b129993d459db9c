"""The list of findings: a picture, what is wrong, and a box that leaves the cases out with one click."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from qtpy.QtCore import QAbstractListModel, QEvent, QModelIndex, QObject, QRect, QSize, Qt, Signal
from qtpy.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPalette, QPen, QPixmap
from qtpy.QtWidgets import QAbstractItemView, QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from napari_medclf.domain.arrays import PixelArray
from napari_medclf.domain.dataset import FileRef
from napari_medclf.domain.quality import Finding, Severity
from napari_medclf.ui.cases.source import CaseSource
from napari_medclf.ui.dataset.exclusions import Exclusions
from napari_medclf.ui.picker.thumbnails import Thumbnails

_USER = int(Qt.ItemDataRole.UserRole)
FINDING_ROLE, LEFT_OUT_ROLE = _USER + 1, _USER + 2
_ROW_PX, _PICTURE_PX, _BOX_PX, _GAP_PX = 64, 56, 18, 8
_FAINT = 160
# Okabe & Ito 2008: vermilion and orange, told apart by the colour-blind, too.
_COLOURS = {Severity.ERROR: QColor("#D55E00"), Severity.WARNING: QColor("#E69F00")}


class FindingModel(QAbstractListModel):
    """Shows findings of any number; pictures come when they are there."""

    def __init__(self, thumbnails: Thumbnails, exclusions: Exclusions, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._findings: tuple[Finding, ...] = ()
        self._thumbnails, self._exclusions = thumbnails, exclusions
        thumbnails.loaded.connect(self._on_loaded)
        exclusions.changed.connect(self._refresh)

    def show(self, findings: Sequence[Finding]) -> None:
        """Replace the rows."""
        self.beginResetModel()
        self._findings = tuple(findings)
        self.endResetModel()

    def finding(self, row: int) -> Finding:
        """Return the finding at a place."""
        return self._findings[row]

    def rowCount(self, parent: QModelIndex | None = None) -> int:
        """How many findings there are."""
        return len(self._findings)

    def data(self, index: QModelIndex, role: int = int(Qt.ItemDataRole.DisplayRole)) -> Any:
        """Text, tooltip, picture, the finding itself, and whether its cases are left out."""
        finding = self._findings[index.row()]
        if role in {Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole}:
            return finding.sentence
        if role == Qt.ItemDataRole.DecorationRole:
            return self._thumbnails.get(picture_key(finding.cases[0], finding.at)) if finding.cases else None
        if role == LEFT_OUT_ROLE:
            return bool(finding.exclude) and self._exclusions.holds_all(finding.exclude)
        return finding if role == FINDING_ROLE else None

    def toggle(self, row: int) -> None:
        """Leave out what a finding suggests, or take it back."""
        finding = self._findings[row]
        if self._exclusions.holds_all(finding.exclude):
            self._exclusions.take_back(finding.exclude)
        else:
            self._exclusions.leave_out(finding.exclude, finding.sentence)

    def _refresh(self) -> None:
        if self._findings:
            self.dataChanged.emit(self.index(0), self.index(len(self._findings) - 1))

    def _on_loaded(self, ref: FileRef) -> None:
        for row, finding in enumerate(self._findings):
            if finding.cases and picture_key(finding.cases[0], finding.at) == ref:
                self.dataChanged.emit(self.index(row), self.index(row))


class FindingList(QListView):
    """Findings one below the other; a click on the box, or Space, leaves out; a double click or Return opens.

    Signals
    -------
    opened : str
        The first case of a finding, to be opened.
    """

    opened = Signal(str)

    def __init__(self, model: FindingModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self.setModel(model)
        self.setItemDelegate(FindingDelegate(model, self))
        self.setUniformItemSizes(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setMinimumHeight(3 * _ROW_PX)
        self.activated.connect(self._on_activated)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Leave out with Space what is selected."""
        if event.key() == Qt.Key.Key_Space and self.currentIndex().isValid():
            if self._model.finding(self.currentIndex().row()).exclude:
                self._model.toggle(self.currentIndex().row())
        else:
            super().keyPressEvent(event)

    def _on_activated(self, index: QModelIndex) -> None:
        finding = self._model.finding(index.row())
        if finding.cases:
            self.opened.emit(finding.cases[0])


class FindingDelegate(QStyledItemDelegate):
    """Draws a finding in the colours of the view."""

    def __init__(self, model: FindingModel, parent: QWidget) -> None:
        super().__init__(parent)
        self._model = model

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:
        """Make all rows alike high."""
        return QSize(120, _ROW_PX)

    def editorEvent(self, event: QEvent, model: Any, option: QStyleOptionViewItem, index: QModelIndex) -> bool:
        """Leave out, or take back, with a click on the box."""
        is_click = isinstance(event, QMouseEvent) and event.type() == QEvent.Type.MouseButtonRelease
        finding: Finding = index.data(FINDING_ROLE)
        if not is_click or not finding.exclude:
            return False
        reach = box_of(option.rect).adjusted(-_GAP_PX, -20, _GAP_PX, 20)  # the box is small, the finger is not
        if not reach.contains(event.position().toPoint()):
            return False
        self._model.toggle(index.row())
        return True

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        """Draw one finding."""
        finding: Finding = index.data(FINDING_ROLE)
        is_selected = bool(option.state & QStyle.StateFlag.State_Selected)
        is_left_out = bool(index.data(LEFT_OUT_ROLE))
        painter.save()
        if is_selected:
            painter.fillRect(option.rect, option.palette.color(QPalette.ColorRole.Highlight))
        role = QPalette.ColorRole.HighlightedText if is_selected else QPalette.ColorRole.Text
        ink = option.palette.color(QPalette.ColorGroup.Active, role)
        area = option.rect.adjusted(4, 3, -4, -3)
        draw_picture(painter, QRect(area.left(), area.top() + 1, _PICTURE_PX, _PICTURE_PX), index.data(1), ink)
        text = area.adjusted(_PICTURE_PX + _GAP_PX, 0, -(_BOX_PX + 2 * _GAP_PX), 0)
        _draw_text(painter, text, finding, ink, is_faint=is_left_out)
        if finding.exclude:
            _draw_box(painter, box_of(option.rect), ink, is_checked=is_left_out)
        painter.restore()


def picture_key(case_id: str, k: int | None = None) -> FileRef:
    """Name the picture of a slice of a case; of the middle one without a number."""
    return FileRef(Path("" if k is None else str(k)), case_id)


def picture_of(source: CaseSource, key: FileRef) -> PixelArray | None:
    """Draw the picture that a key names."""
    return source.picture(key.member, int(key.path.name) if key.path.name else None)


def box_of(row: QRect) -> QRect:
    """Where the box of a row is."""
    return QRect(row.right() - _BOX_PX - _GAP_PX, row.center().y() - _BOX_PX // 2, _BOX_PX, _BOX_PX)


def draw_picture(painter: QPainter, box: QRect, picture: QPixmap | None, ink: QColor) -> None:
    """Draw a small picture on black, or a faint square while there is none."""
    if picture is None or picture.isNull():
        painter.fillRect(box, _faded(ink, 35))
        return
    mode = Qt.TransformationMode.SmoothTransformation
    scaled = picture.scaled(box.size(), Qt.AspectRatioMode.KeepAspectRatio, mode)
    painter.fillRect(box, QColor("black"))
    painter.drawPixmap(box.center() - scaled.rect().center(), scaled)


def _draw_text(painter: QPainter, area: QRect, finding: Finding, ink: QColor, *, is_faint: bool) -> None:
    metrics = painter.fontMetrics()
    head = QRect(area.left(), area.top(), area.width(), metrics.height())
    left = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
    painter.setPen(_COLOURS[finding.severity])
    painter.drawText(head, left, "●")
    painter.setPen(_faded(ink, _FAINT))
    kind = str(finding.kind).replace("-", " ") + (" · left out" if is_faint else "")
    painter.drawText(head.adjusted(14, 0, 0, 0), left, kind)
    painter.setPen(_faded(ink, _FAINT) if is_faint else ink)
    rest = area.adjusted(0, metrics.height() + 1, 0, 0)
    n_lines = max(rest.height() // metrics.height(), 1)
    flags = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop) | int(Qt.TextFlag.TextWordWrap)
    short = metrics.elidedText(finding.sentence, Qt.TextElideMode.ElideRight, int(rest.width() * (n_lines - 0.15)))
    painter.drawText(rest, flags, short)


def _draw_box(painter: QPainter, box: QRect, ink: QColor, *, is_checked: bool) -> None:
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(_faded(ink, 190), 1.4))
    if is_checked:
        painter.setBrush(_faded(ink, 60))
    painter.drawRoundedRect(box, 3, 3)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    if is_checked:
        painter.setPen(QPen(ink, 2))
        left, top, side = box.left(), box.top(), box.width()
        painter.drawLine(left + 4, top + side // 2, left + side // 2 - 1, top + side - 5)
        painter.drawLine(left + side // 2 - 1, top + side - 5, left + side - 4, top + 5)


def _faded(colour: QColor, alpha: int) -> QColor:
    faded = QColor(colour)
    faded.setAlpha(alpha)
    return faded
