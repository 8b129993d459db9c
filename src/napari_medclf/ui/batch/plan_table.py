"""The table of a plan: what will be run and what will not, each with its reason."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from qtpy.QtCore import QAbstractTableModel, QModelIndex, QObject, QRect, QSize, Qt
from qtpy.QtGui import QPainter, QPalette
from qtpy.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from napari_medclf.domain.run import CaseStatus
from napari_medclf.jobs.batch.planned import PlannedCase
from napari_medclf.ui.batch.delegate import faded
from napari_medclf.ui.batch.rows import is_refused
from napari_medclf.ui.batch.words import bytes_text, duration_text

_COLUMNS = ("case", "image", "takes")
_NO_PARENT = QModelIndex()
_ROW_PX, _GAP_PX = 42, 5
_IMAGE_PX, _TIME_PX = 104, 74
_LEAST_ROWS = 4
_GLYPHS = {CaseStatus.PENDING: "▸", CaseStatus.DONE: "✓", CaseStatus.SKIPPED: "⊘"}


class PlanModel(QAbstractTableModel):
    """Tells planned cases cell by cell, in one or two lines each."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.rows: tuple[PlannedCase, ...] = ()

    def show_rows(self, rows: Sequence[PlannedCase]) -> None:
        """Replace all rows."""
        self.beginResetModel()
        self.rows = tuple(rows)
        self.endResetModel()

    def rowCount(self, parent: QModelIndex = _NO_PARENT) -> int:
        """How many cases there are."""
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: QModelIndex = _NO_PARENT) -> int:
        """How many things are told of each."""
        return 0 if parent.isValid() else len(_COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Name the columns."""
        is_name = orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole
        return _COLUMNS[section] if is_name else None

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Tell a cell's lines, and all that is known of the case as its tooltip."""
        row = self.rows[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return "\n".join(plan_lines(row)[index.column()])
        if role == Qt.ItemDataRole.ToolTipRole:
            return plan_tooltip(row)
        return None


class PlanTable(QTableView):
    """The cases of a plan, one below the other."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.lines = PlanModel(self)
        self.setModel(self.lines)
        self.setItemDelegate(_TwoLines(self))
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setTabKeyNavigation(False)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setWordWrap(False)
        self.setShowGrid(False)
        rows = self.verticalHeader()
        rows.hide()
        rows.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        rows.setDefaultSectionSize(_ROW_PX)
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.setColumnWidth(1, _IMAGE_PX)
        self.setColumnWidth(2, _TIME_PX)
        self.setMinimumHeight(header.sizeHint().height() + _LEAST_ROWS * _ROW_PX + 4)


class _TwoLines(QStyledItemDelegate):
    """The first line as it is, the second faint; both shortened where they do not fit."""

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:
        """Make all rows alike high."""
        return QSize(60, _ROW_PX)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        """Draw a cell."""
        is_selected = bool(option.state & QStyle.StateFlag.State_Selected)
        role = QPalette.ColorRole.HighlightedText if is_selected else QPalette.ColorRole.Text
        ink = option.palette.color(QPalette.ColorGroup.Active, role)
        lines = str(index.data()).split("\n")
        metrics = painter.fontMetrics()
        line = metrics.height()
        area = option.rect.adjusted(_GAP_PX, 0, -_GAP_PX, 0)
        top = area.top() + (area.height() - 2 * line) // 2
        painter.save()
        if is_selected:
            painter.fillRect(option.rect, option.palette.color(QPalette.ColorRole.Highlight))
        modes = (Qt.TextElideMode.ElideMiddle, Qt.TextElideMode.ElideRight)
        for number, (text, mode) in enumerate(zip(lines, modes, strict=False)):
            painter.setPen(ink if number == 0 else faded(ink))
            box = QRect(area.left(), top + number * line, area.width(), line)
            flags = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
            painter.drawText(box, int(flags), metrics.elidedText(text, mode, area.width()))
        painter.restore()


def plan_lines(row: PlannedCase) -> tuple[tuple[str, str], tuple[str, str], tuple[str, str]]:
    """Write a planned case in two lines for each column."""
    record = row.record
    glyph = "✗" if is_refused(record) else "⚠" if is_odd(row) else _GLYPHS.get(record.status, "")
    case = f"{glyph} {record.case_id}".strip(), record.reason or " ".join(row.notes)
    size = " × ".join(map(str, row.size[-3:] if row.size[-3:-2] != (1,) else row.size[-2:]))
    seconds = "" if row.expected_s is None else duration_text(row.expected_s)
    memory = "" if row.expected_bytes is None else bytes_text(row.expected_bytes)
    return case, (row.kind, size), (seconds, memory)


def is_odd(row: PlannedCase) -> bool:
    """Whether a case will be run though something is odd with it, for this model or by itself."""
    return row.is_to_run and bool(row.notes)


def plan_tooltip(row: PlannedCase) -> str:
    """Tell all that is known of a planned case."""
    spacing = "" if row.spacing_mm is None else " × ".join(f"{step:.4g}" for step in row.spacing_mm) + " mm"
    several = f"{len(row.files):,} files" if len(row.files) > 1 else ""
    lines = [row.record.source, row.description, spacing, several, row.record.reason, *row.notes]
    return "\n".join(line for line in lines if line)
