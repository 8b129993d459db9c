"""Data: what to work on, which image is open, and what is known about it."""

from __future__ import annotations

from qtpy.QtGui import QDragEnterEvent, QDropEvent
from qtpy.QtWidgets import QHBoxLayout, QWidget

from napari_medclf.bridge.derived import report_rows
from napari_medclf.domain.annotation import Status
from napari_medclf.domain.geometry import Unit
from napari_medclf.domain.image import ChannelKind, MedImage
from napari_medclf.ui.layout import button, column, heading, note
from napari_medclf.ui.panels.pacs import PacsPanel
from napari_medclf.ui.path_field import PathField
from napari_medclf.ui.picker.opener import Opener
from napari_medclf.ui.picker.picker import SeriesPicker
from napari_medclf.ui.presets import PresetButtons
from napari_medclf.ui.reader_preference import is_preferred, prefer
from napari_medclf.ui.session import Session
from napari_medclf.ui.tables import ResultsTable


class DataPanel(QWidget):
    """A path to open, the work list of its images, and the facts of the one that is shown."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._opener = Opener(session, self)
        layout = column(self, margin=0)
        layout.setContentsMargins(0, 8, 0, 0)
        self.path = PathField(self)
        self.path.line.setPlaceholderText("drop a study, folder or project here")
        self.path.set_path(session.settings.get("data", "path"))
        self.path.chosen.connect(session.open_path)
        layout.addWidget(self._head())
        layout.addWidget(self.path)
        self.pacs = PacsPanel(session, self)
        self.pacs.hide()
        layout.addWidget(self.pacs)
        self.setAcceptDrops(True)
        self.picker = SeriesPicker(self)
        self.picker.opened.connect(self._opener.open_rows)
        self.picker.way_chosen.connect(self._opener.open_way)
        self.list = self.picker.list
        layout.addWidget(self.picker, 1)
        layout.addLayout(self._buttons())
        layout.addWidget(heading("This image", self))
        self.facts = note("", self)
        layout.addWidget(self.facts)
        self.presets = PresetButtons(session, self)
        layout.addWidget(self.presets)
        self.reports = ResultsTable(self)
        layout.addWidget(self.reports)
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
        session.answer_changed.connect(self._show_reports)
        self._show_work()
        self._show_facts()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take files and folders anywhere on the panel."""
        self.path.dragEnterEvent(event)

    def dropEvent(self, event: QDropEvent) -> None:
        """Open what was dropped."""
        self.path.dropEvent(event)

    def _head(self) -> QWidget:
        row = QWidget(self)
        self.show_pacs = button("PACS", "Ask a PACS for studies, open them, and send results", self._toggle_pacs, row)
        self.show_pacs.setCheckable(True)
        inside = QHBoxLayout(row)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.addWidget(heading("Images", row), 1)
        inside.addWidget(self.show_pacs)
        return row

    def _toggle_pacs(self) -> None:
        self.pacs.setVisible(self.show_pacs.isChecked())

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

    def close_down(self) -> None:
        """Stop what is read in the background."""
        self.picker.close_down()
        self.presets.close_down()

    def _show_work(self) -> None:
        work = self._session.work
        self.picker.show_work(self._session.entries, work)
        if self._session.opened_path is not None and not self.path.line.hasFocus():
            self.path.set_path(self._session.opened_path)
        done = work.count(Status.DONE)
        nothing = "Press Return above to open it again" if self.path.path() else "Open a study above"
        if self._session.entries:
            nothing = "Nothing opens as it is"
        self.counts.setText(f"{done} of {len(work.items)} done" if work.items else nothing)
        self.next.setEnabled(work.next_open() is not None)

    def _show_facts(self) -> None:
        image = self._session.image
        self.facts.setText(facts_text(image) if image is not None else "No image in the viewer.")
        self._show_reports()

    def _show_reports(self) -> None:
        rows = [list(row.values()) for report in self._session.reports for row in report_rows(report)]
        self.reports.setVisible(bool(rows))
        self.reports.show_rows(["what", "value", "about"], rows)


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
        lines.append(_channels_text(image))
    if image.is_lazy:
        lines.append("larger than the memory: slices are read when they are looked at")
    lines += [f"⚠ {warning}" for warning in image.warnings]
    return "\n".join(lines)


def _channels_text(image: MedImage) -> str:
    """Tell how many colours, times or channels there are, and from when to when."""
    if image.channel_kind not in {ChannelKind.TIME, ChannelKind.COLOUR_TIME}:
        return f"{image.n_channels} channels ({image.channel_kind.value})"
    times = image.channel_values
    told = f" from {times[0]:.4g} to {times[-1]:.4g} {image.channel_unit}" if times and image.channel_unit else ""
    colour = ", in colour" if image.channel_kind is ChannelKind.COLOUR_TIME else ""
    return f"{image.n_channels} times{told}{colour}"
