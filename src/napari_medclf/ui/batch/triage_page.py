"""The answers of a run, the doubtful ones first: look at a case, accept it, correct it, go to the next."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from qtpy.QtCore import Qt, QUrl, Signal
from qtpy.QtGui import QDesktopServices, QHideEvent, QShowEvent
from qtpy.QtWidgets import QHBoxLayout, QWidget

from napari_medclf.domain.annotation import Status
from napari_medclf.domain.arrays import PixelArray
from napari_medclf.domain.dataset import FileRef
from napari_medclf.domain.errors import WriteError
from napari_medclf.domain.events import Job
from napari_medclf.domain.run import CaseStatus
from napari_medclf.ui import notify
from napari_medclf.ui.batch.opener import CaseOpener
from napari_medclf.ui.batch.reading import RunSeen
from napari_medclf.ui.batch.row_choice import RowChoice
from napari_medclf.ui.batch.rows import RunRow, in_order
from napari_medclf.ui.batch.table import RunTable
from napari_medclf.ui.batch.watch import RunWatch
from napari_medclf.ui.batch.words import counts_text, duration_text
from napari_medclf.ui.layout import banner, button, column, note
from napari_medclf.ui.path_field import PathField
from napari_medclf.ui.picker.thumbnails import Thumbnails
from napari_medclf.ui.session import Session
from napari_medclf.ui.shelf import Shelf

_NOTHING = (
    "Choose the results folder of a run: one of this window, or of `medclf batch`, also while it is still going on."
)
_STOPPED = {
    "canceled": "It was canceled.",
    "failed": "It was stopped by a fault.",
    "": "It was ended before it was through.",
}


class TriagePage(QWidget):
    """One run at a time, also while it goes on.

    Signals
    -------
    go_on_wanted : RunSpec, Path
        To go on with a run that is not through.
    correct_wanted : the case that was opened is to be corrected.
    model_wanted : str
        The model that answered what was opened.
    """

    go_on_wanted = Signal(object, object)
    correct_wanted = Signal()
    model_wanted = Signal(str)

    def __init__(self, shelf: Shelf, session: Callable[[], Session], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shelf = shelf
        self.seen: RunSeen | None = None
        self._rows: tuple[RunRow, ...] = ()
        self._said: dict[str, Status] = {}
        self.opener = CaseOpener(shelf, session, self)
        self.opener.changed.connect(self._on_said)
        self.watch = RunWatch(self)
        self.watch.seen.connect(self._take)
        self.watch.failed.connect(self._on_failure)
        self.thumbnails = Thumbnails(self, _picture)
        self._build()
        shelf.bar.running_changed.connect(lambda *_: self._show_buttons())
        self._show()

    def open_run(self, folder: Path) -> None:
        """Show the run of a folder."""
        self._begin(folder)
        self.watch.follow(folder, self.opener.project_of())

    def wait_for(self, folder: Path) -> None:
        """Show a run that this window is beginning."""
        self._begin(folder)
        self.thumbnails.forget()  # a case that is done again has another picture
        self.watch.wait_for(folder, self.opener.project_of())

    def end_waiting(self, folder: Path) -> None:
        """Show how a run of this window ended."""
        if self.watch.folder == folder:
            self.watch.end_waiting()

    def open_row(self, place: int) -> None:
        """Open a case in the viewer, with what the run said about it."""
        if self.seen is not None:
            rows = self.table.lines.rows
            self.opener.open(self.seen, rows, rows[place])
            self.model_wanted.emit(self.seen.model)

    def close_down(self) -> None:
        """Stop what is read in the background."""
        self.watch.close_down()
        self.thumbnails.close_down()

    def showEvent(self, event: QShowEvent) -> None:
        """Read what happened while nobody looked."""
        super().showEvent(event)
        self.watch.show_to_person(True)

    def hideEvent(self, event: QHideEvent) -> None:
        """Read nothing while nobody looks."""
        super().hideEvent(event)
        self.watch.show_to_person(False)

    def _build(self) -> None:
        layout = column(self, margin=0, spacing=6)
        layout.setContentsMargins(0, 8, 0, 0)
        self.path = PathField(self, files=False)
        self.path.line.setPlaceholderText("drop the results folder of a run here")
        self.path.set_path(self._shelf.settings.get("triage", "folder"))
        self.path.chosen.connect(self.open_run)
        self.head = note(_NOTHING, self)
        self.warning = banner("", self)
        self.choice = RowChoice(self)
        self.choice.changed.connect(self._show_rows)
        for widget in (self.path, self.head, self.warning, self.choice):
            layout.addWidget(widget)
        self.table = RunTable(self.thumbnails, self)
        self.table.opened.connect(self.open_row)
        self.table.said.connect(self._say)
        self.table.sorted_by.connect(self._show_rows)
        self.table.selectionModel().currentChanged.connect(lambda *_: self._show_chosen())
        layout.addWidget(self.table, 1000)
        self.detail = note("", self)
        self.detail.setMinimumHeight(2 * self.detail.fontMetrics().lineSpacing())
        self.detail.setAlignment(Qt.AlignmentFlag.AlignTop)
        layout.addWidget(self.detail)
        layout.addLayout(self._case_buttons())
        layout.addLayout(self._run_buttons())
        layout.addStretch(1)  # takes the room while the table is hidden

    def _case_buttons(self) -> QHBoxLayout:
        row = QHBoxLayout()
        self.open = button("Open   (↵)", "Open the selected case with what the model said", self._open_chosen, self)
        self.correct = button("Correct …", "Open the selected case, and correct it", self._correct, self)
        self.accept = button(
            "Accept, next   (N)", "Keep labels and classes as they are shown; open the next doubtful case",
            lambda: self._say(Status.DONE), self,
        )  # fmt: skip
        self.flag = button(
            "Flag   (X)", "Mark the open case for a second look", lambda: self._say(Status.FLAGGED), self
        )
        for one, stretch in ((self.open, 2), (self.correct, 2), (self.accept, 3), (self.flag, 2)):
            row.addWidget(one, stretch)
        return row

    def _run_buttons(self) -> QHBoxLayout:
        row = QHBoxLayout()
        self.go_on = button("Go on with the run", "Do what is missing or changed", self._go_on, self)
        self.report = button(
            "Open report", "Counts, distributions and pictures of the run, in the browser", self._open_report, self
        )
        row.addWidget(self.go_on, 1)
        row.addWidget(self.report, 1)
        return row

    def _begin(self, folder: Path) -> None:
        """Forget the run that was shown, if it is another one."""
        self._shelf.settings.set("triage", folder=str(folder))
        self.path.set_path(folder)
        if self.seen is None or self.seen.folder != folder:
            self.seen, self._rows, self._said = None, (), {}
            self.table.forget_choice()
            self.thumbnails.forget()
            self._show()
            self.head.setText(f"Reading {folder.name} …")

    def _take(self, seen: RunSeen) -> None:
        said = self._said
        self.seen = seen
        self._rows = _with_reviews(seen.rows, said)
        self._show()

    def _on_failure(self, message: str) -> None:
        """Say why the folder cannot be read; what was read before stays."""
        self._show()
        self.head.setText(message)

    def _on_said(self, said: Mapping[str, Status]) -> None:
        """Note what a person said, and select the case that is open now."""
        if said:
            self._said |= said
            self._rows = _with_reviews(self._rows, said)
            self.choice.offer_states(self._rows)
        self._show_rows()
        self.table.choose(self.opener.opened)

    def _show(self) -> None:
        """Show the run anew."""
        seen = self.seen
        self.choice.offer_states(self._rows)
        self.choice.offer_classes(() if seen is None else seen.classes)
        self.head.setText(_NOTHING if seen is None else self._head_of(seen))
        self.warning.setText("" if seen is None or seen.ended != "failed" else seen.message)
        self.warning.setVisible(bool(self.warning.text()))
        for widget in (self.choice, self.table, self.detail, self.open, self.correct, self.accept, self.flag):
            widget.setVisible(seen is not None)
        self._show_rows()

    def _head_of(self, seen: RunSeen) -> str:
        """How far the run is; the bar tells how long a run of this window takes."""
        return head_text(seen, None if self.watch.is_own else self.watch.pace.left_s(seen.n_left))

    def _show_rows(self) -> None:
        """Show the rows that are asked for, in the order that is asked for."""
        column_, is_descending = self.table.order
        picked = self.choice.wanted.picked(self._rows)
        self.table.show_rows(in_order(picked, column_, is_descending=is_descending), self.opener.opened)
        self._show_chosen()

    def _show_chosen(self) -> None:
        chosen = self.table.chosen
        told = () if chosen is None else (chosen.record.case_id, chosen.sentence or chosen.state.value)
        self.detail.setText(": ".join(told))
        self._show_buttons()

    def _show_buttons(self) -> None:
        seen = self.seen
        for one in (self.open, self.correct):
            one.setEnabled(self.table.chosen is not None)
        for one in (self.accept, self.flag):
            one.setEnabled(self._is_chosen_open())
        self.go_on.setVisible(seen is not None and seen.can_go_on)
        self.go_on.setEnabled(not self._shelf.bar.is_running)
        self.report.setVisible(seen is not None and bool(seen.counts.get(CaseStatus.DONE)))

    def _open_chosen(self) -> None:
        index = self.table.currentIndex()
        if index.isValid():
            self.open_row(index.row())

    def _correct(self) -> None:
        self._open_chosen()
        self.correct_wanted.emit()

    def _is_chosen_open(self) -> bool:
        """Whether the selected case is the one in the viewer, so that nobody speaks of another one than they mean."""
        chosen = self.table.chosen
        return chosen is not None and chosen.record.case_id == self.opener.opened

    def _say(self, status: Status) -> None:
        if self._is_chosen_open():
            self.opener.say(status)
        else:
            notify.warn("The selected case is not the one that is open. Press Return to open it first.")

    def _go_on(self) -> None:
        if self.seen is not None:
            self.go_on_wanted.emit(self.seen.spec, self.seen.folder)

    def _open_report(self) -> None:
        """Write the report as the run stands now, and show it."""
        if self.seen is not None:
            folder = self.seen.folder
            self._shelf.lane.add("Writing the report", lambda: _write_report(folder), _show_in_browser)


def head_text(seen: RunSeen, left_s: float | None) -> str:
    """Say which model ran, how far it is, and whether somebody goes on with it."""
    head = f"{seen.model} {seen.model_version}".strip() + f" · {counts_text(seen.counts)}"
    if seen.is_led:
        left = f", about {duration_text(left_s)} left" if left_s is not None and seen.n_left else ""
        return f"{head} · running{left}"
    if seen.n_left or seen.ended != "completed":
        return f"{head}. {_STOPPED.get(seen.ended, _STOPPED[''])}"
    return head


def _with_reviews(rows: tuple[RunRow, ...], said: Mapping[str, Status]) -> tuple[RunRow, ...]:
    """Note what a person said about cases."""
    if not said:
        return rows
    return tuple(replace(row, review=said[row.record.case_id]) if row.record.case_id in said else row for row in rows)


def _picture(key: FileRef) -> PixelArray | None:
    """Read the thumbnail that a run made; without one, draw the image small."""
    from PIL import Image

    from napari_medclf.io.read import thumbnail
    from napari_medclf.jobs.triage.thumbnail import THUMBNAILS

    if key.path.parent.name != THUMBNAILS:
        return thumbnail(key)
    try:
        with Image.open(key.path) as picture:
            return np.asarray(picture.convert("RGB"))
    except OSError:
        return None


def _write_report(folder: Path) -> Job[Path]:
    """Write the report as the run stands now; in a folder that cannot be written, take the one that is there."""
    from napari_medclf.jobs.triage.listing import TriageOptions, triage

    path = folder / "report.html"
    try:
        yield from triage(TriageOptions(run=folder))
    except WriteError:
        if not path.is_file():
            raise
    return path


def _show_in_browser(path: Path) -> None:
    if not QDesktopServices.openUrl(QUrl.fromLocalFile(str(path))):
        notify.warn(f"No browser could be opened. The report is {path}.")
