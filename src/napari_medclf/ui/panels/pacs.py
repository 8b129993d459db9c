"""PACS: search an archive, fetch series and open them, send results."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from qtpy.QtWidgets import QCheckBox, QHBoxLayout, QWidget

from napari_medclf.domain.errors import MedclfError
from napari_medclf.domain.events import FinishReason, Outcome
from napari_medclf.domain.pacs import SeriesRow, StudyRow
from napari_medclf.jobs import pacs
from napari_medclf.ui import notify
from napari_medclf.ui.form_look import FormLook
from napari_medclf.ui.forms import OptionsForm
from napari_medclf.ui.layout import button, column, heading, note
from napari_medclf.ui.panels.pacs_server import ServerChoice
from napari_medclf.ui.path_field import PathField
from napari_medclf.ui.session import Session
from napari_medclf.ui.tables import ResultsTable

_STUDY_COLUMNS = ("date", "patient", "kind", "series", "about")
_SERIES_COLUMNS = ("kind", "no.", "objects", "about")
_LABELS = {"patient_id": "Patient ID", "dates": "Dates", "accession": "Accession no.", "show_names": "Show names"}
_HINTS = {"dates": "20240131 or 20240101-20240131", "modality": "any", "patient_name": "Family^Given, * for any"}
_SHORT_KEY = 8


class PacsPanel(QWidget):
    """A server, a search, what it found, and files to send; every step is a job on the session's bar."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.studies: tuple[StudyRow, ...] = ()
        self.series: tuple[SeriesRow, ...] = ()
        self._listed = ""
        self._found_at = ""
        layout = column(self, margin=0)
        self.server = ServerChoice(session.bar, session.settings, self)
        layout.addWidget(self.server)
        self.form = OptionsForm(
            pacs.FindOptions,
            FormLook(hidden=("server", "level", "study", "limit"), labels=_LABELS, hints=_HINTS),
            parent=self,
        )
        layout.addWidget(self.form)
        self.find = button("Search", "List the studies that match; empty lines match all", self.search, self)
        layout.addWidget(self.find)
        self.study_table = ResultsTable(self, most_rows=6)
        self.study_table.itemSelectionChanged.connect(self._list_series)
        layout.addWidget(self.study_table)
        self.series_table = ResultsTable(self, most_rows=6)
        self.series_table.itemDoubleClicked.connect(lambda item: self.fetch())
        layout.addWidget(self.series_table)
        self.get = button("Fetch and open", "Fetch the selected series, or the whole study", self.fetch, self)
        layout.addWidget(self.get)
        layout.addWidget(heading("Send", self))
        self.files = PathField(self)
        self.files.line.setPlaceholderText("segmentation, report or folder to send")
        layout.addWidget(self.files)
        layout.addLayout(self._send_row())
        self.message = note("", self)
        layout.addWidget(self.message)
        layout.addStretch(1)
        session.bar.running_changed.connect(self._on_running)
        self._show_found((), ())

    def search(self) -> bool:
        """List the studies that the form describes."""
        server = self.server.text()
        try:
            options = self.form.read(server=server)
        except MedclfError as error:
            notify.complain(str(error))
            return False
        return self._start(
            f"Searching {server}",
            server,
            lambda: pacs.find(options),
            lambda found: self._take_studies(found, server),
        )

    def fetch(self) -> bool:
        """Fetch the selected series of the selected study, all where none is selected, and open them."""
        study = self._selected_study()
        if study is None:
            notify.warn("Search, and choose a study first.")
            return False
        chosen = tuple(self.series[row].series_uid for row in _selected_rows(self.series_table))
        server = self._found_at
        options = pacs.GetOptions(server, study=study.study_uid, series=chosen)
        return self._start(f"Fetching from {server}", server, lambda: pacs.get(options), self._open_received)

    def send(self) -> bool:
        """Send the chosen file or folder, and tell whether it is there."""
        path = self.files.path()
        if path is None or not path.exists():
            notify.warn("Choose a DICOM file or folder to send.")
            return False
        server = self.server.text()
        options = pacs.SendOptions(server, (path,), verify=self.verify.isChecked())
        return self._start(f"Sending {path.name}", server, lambda: pacs.send(options), self._take_sent)

    def _send_row(self) -> QHBoxLayout:
        row = QHBoxLayout()
        self.verify = QCheckBox("Compare what comes back", self)
        self.verify.setToolTip("Fetch each object again and compare every element")
        self.put = button("Send", "Send to the server above", self.send, self)
        row.addWidget(self.verify, 1)
        row.addWidget(self.put)
        return row

    def _start(self, title: str, server: str, factory: Any, on_result: Any) -> bool:
        if not server:
            notify.warn("Give a server first: https://host/dicom-web or dicom://AETITLE@host:104.")
            return False
        is_started = self._session.bar.start(
            title, factory, on_result, on_end=lambda outcome: self._on_end(outcome, server)
        )
        if is_started:
            self.message.setText("")
        return is_started

    def _take_studies(self, found: pacs.Found, server: str) -> None:
        self._found_at = server
        self._show_found(found.studies, ())
        more = " and more; narrow the search" if found.is_cut else ""
        self.message.setText(f"{len(found.studies)} {'study' if len(found.studies) == 1 else 'studies'}{more}")
        if len(found.studies) == 1:
            self.study_table.selectRow(0)

    def _list_series(self) -> None:
        """List the series of the selected study; while another job runs, when that ends."""
        study = self._selected_study()
        if study is None or study.study_uid == self._listed:
            return
        self._show_series(())
        if self._session.bar.is_running:
            return
        self._listed, server, told = study.study_uid, self._found_at, self.message.text()
        options = pacs.FindOptions(server, level="series", study=study.study_uid)
        take = partial(self._take_series, study.study_uid)
        self._start("Listing series", server, lambda: pacs.find(options), take)
        self.message.setText(told)

    def _take_series(self, study_uid: str, found: pacs.Found) -> None:
        study = self._selected_study()
        if study is not None and study.study_uid == study_uid:
            self._show_series(found.series)

    def _open_received(self, received: pacs.Received) -> None:
        n_objects = sum(one.n_received + one.n_kept for one in received.series)
        problems = [problem for one in received.series for problem in one.problems]
        self.message.setText(
            "\n".join([f"{n_objects} objects in {received.folder}", *(f"⚠ {one}" for one in problems)])
        )
        if n_objects:
            self._session.open_path(received.folder)

    def _take_sent(self, sent: pacs.Sent) -> None:
        there = [one for one in sent.objects if not one.reason]
        lines = [f"{len(there)} of {len(sent.objects) + len(sent.refused)} are at {sent.server}"]
        lines += [f"⚠ {one.path.name}: {one.reason}" for one in sent.objects if one.reason]
        lines += [f"⚠ {one.path.name}: {text}" for one in there for text in one.notes]
        lines += [f"⚠ {Path(path).name}: {reason}" for path, reason in sent.refused]
        if there and all(one.is_same for one in there):
            lines.append("Every element comes back as it was.")
        self.message.setText("\n".join(lines))

    def _on_end(self, outcome: Outcome[Any], server: str) -> None:
        if outcome.reason is FinishReason.COMPLETED:
            self.server.remember(server)
        else:
            self.message.setText(outcome.message)

    def _show_found(self, studies: tuple[StudyRow, ...], series: tuple[SeriesRow, ...]) -> None:
        self.studies, self._listed = studies, ""
        self.study_table.show_rows(_STUDY_COLUMNS, [_study_cells(row) for row in studies])
        self.study_table.setVisible(bool(studies))
        self._show_series(series)

    def _show_series(self, series: tuple[SeriesRow, ...]) -> None:
        self.series = series
        self.series_table.show_rows(_SERIES_COLUMNS, [_series_cells(row) for row in series])
        self.series_table.setVisible(bool(series))
        self.get.setVisible(bool(self.studies))

    def _selected_study(self) -> StudyRow | None:
        rows = _selected_rows(self.study_table)
        return self.studies[rows[0]] if rows and rows[0] < len(self.studies) else None

    def _on_running(self, is_running: bool) -> None:
        for one in (self.find, self.get, self.put):
            one.setEnabled(not is_running)
        if not is_running:
            self._list_series()  # for a study that was chosen while something else ran


def _selected_rows(table: ResultsTable) -> list[int]:
    return sorted({index.row() for index in table.selectedIndexes()})


def _study_cells(row: StudyRow) -> list[Any]:
    who = " ".join(one for one in (row.patient_name, row.patient_id) if one)
    kinds = ", ".join(row.modalities)
    return [_date(row.date), who or row.patient_key[:_SHORT_KEY], kinds, _count(row.n_series), row.description]


def _series_cells(row: SeriesRow) -> list[Any]:
    return [row.modality, row.number, _count(row.n_instances), row.description]


def _date(text: str) -> str:
    return f"{text[:4]}-{text[4:6]}-{text[6:]}" if len(text) == 8 else text


def _count(number: int | None) -> int | str:
    return "?" if number is None else number
