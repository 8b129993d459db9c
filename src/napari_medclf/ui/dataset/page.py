"""Labelled data: open it in any layout, look at its cases, check it, leave cases out, and go on to training."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Signal
from qtpy.QtGui import QDragEnterEvent, QDropEvent
from qtpy.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from napari_medclf.domain.arrays import PixelArray
from napari_medclf.domain.dataset import FileRef
from napari_medclf.domain.errors import MedclfError
from napari_medclf.jobs.dataset.check import CheckOptions, check_dataset
from napari_medclf.jobs.dataset.check_report import CheckReport
from napari_medclf.ui import notify
from napari_medclf.ui.cases.lines import counts_text, lines_of_dataset
from napari_medclf.ui.cases.table import CaseTable
from napari_medclf.ui.dataset.exclusions import Exclusions
from napari_medclf.ui.dataset.findings import picture_of
from napari_medclf.ui.dataset.findings_view import FindingsView
from napari_medclf.ui.dataset.opening import DataOpened, open_labelled
from napari_medclf.ui.dataset.split_view import SplitView
from napari_medclf.ui.form_look import FormLook
from napari_medclf.ui.forms import OptionsForm
from napari_medclf.ui.layout import banner, button, column, note
from napari_medclf.ui.path_field import PathField
from napari_medclf.ui.picker.thumbnails import Thumbnails
from napari_medclf.ui.session import Session
from napari_medclf.ui.switch import Switch

if TYPE_CHECKING:
    from napari_medclf.jobs.data import DataChoice

_CASES, _FINDINGS, _SPLIT = "Cases", "Findings", "Split"
_BY_HAND = "left out by a person"
_NOTHING = (
    "Open labelled data: a folder with one sub-folder a class, a CSV or TSV, a MedMNIST npz, images + labels "
    "(MSD, nnU-Net), BIDS with derivatives, VOC boxes, or a project."
)


class DatasetPage(QWidget):
    """One data set at a time.

    Signals
    -------
    train_wanted : dict
        Options with which to train on the data.
    """

    train_wanted = Signal(object)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.opened: DataOpened | None = None
        self.exclusions = Exclusions(session.lane, self)
        self.exclusions.changed.connect(self._show_counts)
        self.thumbnails = Thumbnails(self, self._picture)
        layout = column(self, margin=0)
        layout.setContentsMargins(0, 8, 0, 0)
        self.path = PathField(self)
        self.path.line.setPlaceholderText("drop labelled data here")
        self.path.set_path(session.settings.get("dataset", "data"))
        self.path.chosen.connect(lambda path: self.open())
        layout.addWidget(self.path)
        self.form = OptionsForm(
            CheckOptions,
            FormLook(
                hidden=("data", "out", "exclude", "pictures"),
                folded=("task", "label_errors"),
                hints={"split": "as the data says"},
            ),
            parent=self,
        )
        layout.addWidget(self.form)
        self.counts = note(_NOTHING, self)
        layout.addWidget(self.counts)
        self.advice = banner("", self)
        layout.addWidget(self.advice)
        self.cases, self.findings = CaseTable(self), FindingsView(self.thumbnails, self.exclusions, self)
        self.cases.opened.connect(self._open_case)
        self.findings.opened.connect(self._open_case)
        self.split = SplitView(session, self._choice, self)
        self.split.frozen.connect(self._take_splits)
        self.parts = Switch({_CASES: self._cases_part(), _FINDINGS: self.findings, _SPLIT: self.split}, self)
        layout.addWidget(self.parts, 1000)
        layout.addLayout(self._last_row())
        layout.addStretch(1)  # takes the room while the parts are hidden
        self.cases.selection_changed.connect(self._show_selection)
        session.bar.running_changed.connect(lambda is_running: self.check.setEnabled(not is_running))
        self._show_parts(False)
        self.setAcceptDrops(True)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take files and folders anywhere on the page."""
        self.path.dragEnterEvent(event)

    def dropEvent(self, event: QDropEvent) -> None:
        """Open what was dropped."""
        self.path.dropEvent(event)

    def close_down(self) -> None:
        """Stop what is read in the background."""
        self.thumbnails.close_down()

    def open(self) -> bool:
        """Open the data that the form names."""
        if self.opened is not None and self.path.path() != self.opened.choice.path:
            self.form.show_values({"split": None})  # those of the data before
        choice = self._choice()
        if choice is None:
            return False
        self._session.settings.set("dataset", data=str(choice.path))
        folder = self._session.user_folder
        return self._session.bar.start(
            f"Opening {choice.path.name}", lambda: open_labelled(choice, folder), self._take_opened
        )

    def run_check(self) -> bool:
        """Look for what is wrong with the data."""
        options = self._read()
        if options is None:
            return False
        self.parts.show_page(_FINDINGS)
        return self._session.bar.start(
            f"Checking {options.data.name}",
            lambda: check_dataset(options),
            self._take_report,
            tells_warnings=False,  # they were told when it was opened
        )

    def options_to_train(self) -> Mapping[str, Any]:
        """Say with which options training learns from what is shown."""
        opened = self.opened
        if opened is None:
            return {}
        return {
            "data": opened.choice.path,
            "task": opened.choice.task,
            "group_pattern": opened.choice.group_pattern,
            "class_names": opened.choice.class_names,
            "label_columns": opened.choice.label_columns,
            "split": opened.choice.split_file,
            "exclude": opened.exclude_path if self.exclusions.reasons else None,
        }

    def _choice(self) -> DataChoice | None:
        options = self._read()
        return None if options is None else options.choice

    def _read(self) -> CheckOptions | None:
        path = self.path.path()
        if path is None:
            notify.warn("Choose labelled data first: drop it on the page, or press Folder… or File….")
            return None
        try:
            return self.form.read(data=path)
        except MedclfError as error:
            notify.complain(str(error))
            return None

    def _cases_part(self) -> QWidget:
        part = QWidget(self)
        layout = QVBoxLayout(part)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addWidget(self.cases, 1)
        row = QHBoxLayout()
        self.leave_out = button("Leave out", "Do not learn from the selected cases", self._toggle_selected, part)
        self.open_case = button("Open case", "Open the selected case with its labels", self.cases.open_first, part)
        row.addWidget(self.leave_out, 1)
        row.addWidget(self.open_case, 1)
        layout.addLayout(row)
        return part

    def _last_row(self) -> QHBoxLayout:
        row = QHBoxLayout()
        self.check = button("Check", "Look at every image and label for what is wrong", self.run_check, self)
        self.train = button(
            "Train on it …", "Go to Train with this data, without what is left out",
            lambda: self.train_wanted.emit(self.options_to_train()), self,
        )  # fmt: skip
        row.addWidget(self.check, 1)
        row.addWidget(self.train, 1)
        return row

    def _take_opened(self, opened: DataOpened) -> None:
        self.opened = opened
        self.thumbnails.forget()
        self.findings.forget()
        self.parts.set_text(_FINDINGS, _FINDINGS)
        self.parts.set_text(_CASES, f"{_CASES} ({len(opened.dataset.cases):,})")
        self.cases.show_cases(lines_of_dataset(opened.dataset))
        self.exclusions.begin(opened.exclude_path, opened.reasons)
        self.advice.setText("\n".join(f"⚠ {sentence}" for sentence in opened.advice))
        self.advice.setVisible(bool(opened.advice))
        self._show_parts(True)
        self.parts.show_page(_CASES)

    def _take_splits(self, path: Path) -> None:
        """Open the data anew with splits that were frozen."""
        self.form.show_values({"split": path})
        self.open()

    def _take_report(self, report: CheckReport) -> None:
        if self.opened is None:
            return
        self.findings.show_findings(report.findings, report.n_cases)
        self.parts.set_text(_FINDINGS, f"{_FINDINGS} ({len(report.findings):,})")

    def _picture(self, key: FileRef) -> PixelArray | None:
        opened = self.opened
        return None if opened is None else picture_of(opened.source, key)

    def _open_case(self, name: str) -> None:
        """Open a case, or a file that did not become one."""
        if self.opened is None:
            return
        dataset = self.opened.dataset
        loose = next((one for one in dataset.left_out if one.name == name), None)
        if loose is not None and all(case.case_id != name for case in dataset.cases):
            self._session.open_new(loose.ref, name)
        else:
            self._session.open_case(self.opened.source, name)

    def _toggle_selected(self) -> None:
        chosen = self.cases.selected
        if self.exclusions.holds_all(chosen):
            self.exclusions.take_back(chosen)
        else:
            self.exclusions.leave_out(chosen, _BY_HAND)

    def _show_selection(self) -> None:
        chosen = self.cases.selected
        self.leave_out.setEnabled(bool(chosen))
        is_back = bool(chosen) and self.exclusions.holds_all(chosen)
        several = f" {len(chosen):,} cases" if len(chosen) > 1 else ""
        self.leave_out.setText(f"Take back{several}" if is_back else f"Leave out{several}")
        self.open_case.setEnabled(bool(self.cases.shown))

    def _show_counts(self) -> None:
        self.cases.show_left_out(self.exclusions.reasons.keys())
        self._show_selection()
        if self.opened is None:
            return
        dataset, n_out = self.opened.dataset, len(self.exclusions.reasons)
        of = f" of {dataset.n_groups:,} patients or groups" if dataset.n_groups < len(dataset.cases) else ""
        head = f"{dataset.name} · {dataset.task.value} · {len(dataset.cases):,} cases{of}"
        out = f"\n{n_out:,} left out" if n_out else ""
        self.counts.setToolTip(f"What is left out stands in {self.exclusions.path}")
        self.counts.setText(f"{head}\n{counts_text(dataset)}{out}")

    def _show_parts(self, is_visible: bool) -> None:
        for widget in (self.parts, self.check, self.train):
            widget.setVisible(is_visible)
