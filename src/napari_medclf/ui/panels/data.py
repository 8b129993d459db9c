"""Data: what to work on, which image is open, and what is known about it."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QAbstractListModel, QModelIndex, Qt
from qtpy.QtGui import QDragEnterEvent, QDropEvent
from qtpy.QtWidgets import QHBoxLayout, QListView, QWidget

from napari_medclf.domain.annotation import Status
from napari_medclf.domain.geometry import Unit
from napari_medclf.domain.image import ChannelKind, MedImage
from napari_medclf.ui.layout import button, column, heading, note
from napari_medclf.ui.path_field import PathField
from napari_medclf.ui.reader_preference import is_preferred, prefer
from napari_medclf.ui.session import Session
from napari_medclf.ui.work_list import WorkList

_GLYPHS = {Status.OPEN: "○", Status.DONE: "✓", Status.SKIPPED: "–", Status.FLAGGED: "⚑"}


class DataPanel(QWidget):
    """A path to open, the work list of its images, and the facts of the one that is shown."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._model = _WorkListModel(self)
        layout = column(self)
        self.path = PathField(self)
        self.path.line.setPlaceholderText("drop a study, folder or project here")
        self.path.set_path(session.settings.get("data", "path"))
        self.path.chosen.connect(session.open_path)
        layout.addWidget(heading("Images", self))
        layout.addWidget(self.path)
        self.setAcceptDrops(True)
        self.list = QListView(self)
        self.list.setModel(self._model)
        self.list.setUniformItemSizes(True)
        self.list.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # else letters search the list instead of reaching the viewer
        self.list.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.list.activated.connect(self._on_activated)
        self.list.clicked.connect(self._on_activated)
        layout.addWidget(self.list, 1)
        layout.addLayout(self._buttons())
        layout.addWidget(heading("This image", self))
        self.facts = note("", self)
        layout.addWidget(self.facts)
        self.prefer = button(
            "Always open DICOM, NIfTI and NRRD with MedCLF",
            "Else napari asks which reader to take; changeable in Preferences > Plugins",
            self._prefer,
            self,
        )
        self.prefer.setVisible(not is_preferred())
        layout.addWidget(self.prefer)
        session.work_changed.connect(self._show_work)
        session.image_changed.connect(self._show_facts)
        self._show_work()
        self._show_facts()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take files and folders anywhere on the panel."""
        self.path.dragEnterEvent(event)

    def dropEvent(self, event: QDropEvent) -> None:
        """Open what was dropped."""
        self.path.dropEvent(event)

    def _buttons(self) -> QHBoxLayout:
        row = QHBoxLayout()
        self.counts = note("", self)
        self.next = button("Next open image", "Open the next image that is not done", self._session.open_next, self)
        row.addWidget(self.counts, 1)
        row.addWidget(self.next)
        return row

    def _prefer(self) -> None:
        prefer()
        self.prefer.hide()

    def _on_activated(self, index: QModelIndex) -> None:
        if index.row() != self._session.work.current:
            self._session.open_index(index.row())

    def _show_work(self) -> None:
        work = self._session.work
        self._model.show(work)
        if work.current is not None:
            self.list.setCurrentIndex(self._model.index(work.current))
        done = work.count(Status.DONE)
        nothing = "Press Return above to open it again" if self.path.path() else "Open a study above"
        self.counts.setText(f"{done} of {len(work.items)} done" if work.items else nothing)
        self.next.setEnabled(work.next_open() is not None)

    def _show_facts(self) -> None:
        image = self._session.image
        self.facts.setText(facts_text(image) if image is not None else "No image in the viewer.")


def facts_text(image: MedImage) -> str:
    """Describe an image in a few lines: kind, size, spacing, orientation, what is odd with it."""
    geometry = image.geometry
    k, j, i = geometry.shape
    size = f"{j} × {i} pixels" if image.is_flat else f"{k} × {j} × {i} voxels (slices × rows × columns)"
    lines = [f"{image.name}", " · ".join(part for part in (image.modality, image.source.description, size) if part)]
    if geometry.unit is Unit.MILLIMETRE:
        steps = geometry.spacing[1:] if image.is_flat else geometry.spacing
        lines.append(f"spacing {' × '.join(f'{step:.4g}' for step in steps)} mm")
        if not image.is_flat:
            tilt = f", tilted by {geometry.shear_deg:.1f}°" if geometry.is_sheared else ""
            oblique = ", oblique" if geometry.is_oblique else ""
            lines.append(f"axes towards {geometry.axis_codes} (slice, row, column){oblique}{tilt}")
    else:
        lines.append("no scale: measured in pixels")
    if image.channel_kind is not ChannelKind.NONE:
        lines.append(f"{image.n_channels} channels ({image.channel_kind.value})")
    lines += [f"⚠ {warning}" for warning in image.warnings]
    return "\n".join(lines)


class _WorkListModel(QAbstractListModel):
    """Shows a work list of any length without making a widget item an image."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._work = WorkList()

    def show(self, work: WorkList) -> None:
        is_same = work is self._work
        if is_same and work.items:
            self.dataChanged.emit(self.index(0), self.index(len(work.items) - 1))
            return
        self.beginResetModel()
        self._work = work
        self.endResetModel()

    def rowCount(self, parent: QModelIndex | None = None) -> int:
        return len(self._work.items)

    def data(self, index: QModelIndex, role: int = int(Qt.ItemDataRole.DisplayRole)) -> Any:
        item = self._work.items[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return f"{_GLYPHS[item.status]}  {item.name}"
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"{item.name}\n{item.status.value}"
        return None
