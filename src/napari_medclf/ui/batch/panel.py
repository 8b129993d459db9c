"""Batch: a model over a whole folder, with a row for every case as it ends."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qtpy.QtWidgets import QHBoxLayout, QWidget

from napari_medclf.domain.errors import MedclfError
from napari_medclf.domain.events import CaseDone, CaseFailed, FinishReason, JobEvent, Outcome
from napari_medclf.domain.run import CaseRecord, RunRecord
from napari_medclf.jobs.batch.batch import BatchOptions, batch
from napari_medclf.ui import notify
from napari_medclf.ui.forms import OptionsForm
from napari_medclf.ui.layout import button, column, heading, note
from napari_medclf.ui.model_choice import ModelChoice
from napari_medclf.ui.shelf import Shelf
from napari_medclf.ui.tables import ResultsTable

_COLUMNS = ("", "case", "result")


class BatchPanel(QWidget):
    """The options of a batch, a dry run, and the table that fills while it goes on."""

    def __init__(self, shelf: Shelf, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shelf = shelf
        self._n_done = self._n_failed = 0
        layout = column(self)
        layout.addWidget(heading("Run a model on every image of a folder", self))
        self.model = ModelChoice(shelf, self, wanted=str(shelf.settings.get("batch", "model", "")))
        self.form = OptionsForm(
            BatchOptions,
            hidden=("model", "dry_run"),
            labels={"out": "Results folder"},
            hints={"out": "automatic, by folder and model"},
            folders=("folder", "out"),
            parent=self,
        )
        self.form.insert_row(0, "Model", self.model)
        self.form.show_values(shelf.settings.section("batch"))
        layout.addWidget(self.form)
        buttons = QHBoxLayout()
        self.dry_run = button("Dry run", "List what would be run, without running it", lambda: self.run(True), self)
        self.start = button("Run the folder", "Run the model on every image", self.run, self)
        buttons.addWidget(self.dry_run)
        buttons.addWidget(self.start, 1)
        layout.addLayout(buttons)
        self.message = note("", self)
        layout.addWidget(self.message)
        self.table = ResultsTable(self, most_rows=14)
        self.table.hide()
        layout.addWidget(self.table)
        layout.addStretch(1)
        shelf.bar.running_changed.connect(self._on_running)

    def run(self, dry_run: bool = False) -> bool:
        """Begin the batch the form describes."""
        package = self.model.package
        if package is None:
            notify.warn("Choose a model first.")
            return False
        values: dict[str, Any] = self.form.values()
        in_use = self._shelf.in_use(package)
        decided: dict[str, Any] = {"model": package.name if in_use is package else str(in_use.folder)}
        decided["dry_run"] = dry_run
        if not values["out"] or values["out"] == ".":
            decided["out"] = self._shelf.user_folder / "batches" / f"{Path(values['folder']).name}-{package.name}"
        try:
            options = self.form.read(**decided)
        except MedclfError as error:
            notify.complain(str(error))
            return False
        self._shelf.settings.set("batch", model=self.model.chosen_name, **values)
        self._n_done = self._n_failed = 0
        self.message.setText("")
        self.table.show_rows(_COLUMNS, [])
        self.table.show()
        title = "Dry run" if dry_run else f"Running {package.name} on {Path(values['folder']).name}"
        return self._shelf.bar.start(
            title,
            lambda: batch(options),
            lambda record: self._take_result(record, options),
            on_event=self._on_event,
            on_end=lambda outcome: self._on_end(outcome, options),
        )

    def _on_event(self, event: JobEvent) -> None:
        if isinstance(event, CaseDone):
            self._n_done += 1
            self.table.add_row(("✓", event.case_id, _result_text(event.result)))
        elif isinstance(event, CaseFailed):
            self._n_failed += 1
            self.table.add_row(("✗", event.case_id, event.reason))
        else:
            return
        self.message.setText(f"{self._n_done} done, {self._n_failed} failed")

    def _take_result(self, record: RunRecord, options: BatchOptions) -> None:
        if self.table.rowCount() < len(record.cases):
            marks = {"done": "✓", "failed": "✗", "skipped": "–"}
            rows = [(marks[one.status], one.case_id, one.reason or _result_text(one)) for one in record.cases]
            self.table.show_rows(_COLUMNS, rows)
        counts = {status: sum(one.status == status for one in record.cases) for status in ("done", "failed", "skipped")}
        parts = [f"{count} {status}" for status, count in counts.items() if count]
        written = "" if options.dry_run else f". Written to {options.out}"
        self.message.setText((record.message or ", ".join(parts) or "Nothing to do") + written)

    def _on_end(self, outcome: Outcome[Any], options: BatchOptions) -> None:
        if outcome.reason is FinishReason.CANCELED:
            self.message.setText(f"{self.message.text()}. Canceled; tick Resume to do only what is missing.")
        elif outcome.reason is FinishReason.FAILED:
            self.message.setText(outcome.message)

    def _on_running(self, is_running: bool) -> None:
        self.start.setEnabled(not is_running)
        self.dry_run.setEnabled(not is_running)


def _result_text(result: Any) -> str:
    """Write what is known of a finished case in a line."""
    values = result.values if isinstance(result, CaseRecord) else result
    if not isinstance(values, dict):
        return ""
    return ", ".join(
        f"{name.removeprefix('score:')} {value:.4g}" if isinstance(value, float) else f"{name} {value}"
        for name, value in list(values.items())[:4]
    )
