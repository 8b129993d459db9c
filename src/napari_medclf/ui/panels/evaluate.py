"""Evaluate: how good a model is on labelled data, with intervals."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from qtpy.QtWidgets import QWidget

from napari_medclf.domain.errors import MedclfError
from napari_medclf.domain.events import Outcome
from napari_medclf.jobs.evaluate import EvaluateOptions, Evaluation, evaluate
from napari_medclf.ui import notify
from napari_medclf.ui.forms import OptionsForm
from napari_medclf.ui.layout import button, column, heading, note
from napari_medclf.ui.model_choice import ModelChoice
from napari_medclf.ui.shelf import Shelf
from napari_medclf.ui.tables import ResultsTable


class EvaluatePanel(QWidget):
    """The options of an evaluation and its numbers."""

    def __init__(self, shelf: Shelf, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shelf = shelf
        layout = column(self)
        layout.addWidget(heading("Measure a model on labelled data", self))
        self.model = ModelChoice(shelf, self, wanted=str(shelf.settings.get("evaluate", "model", "")))
        self.form = OptionsForm(
            EvaluateOptions,
            hidden=("model",),
            labels={"out": "Results folder"},
            hints={"out": "automatic, by model and time"},
            folders=("out",),
            parent=self,
        )
        self.form.insert_row(0, "Model", self.model)
        self.form.show_values(shelf.settings.section("evaluate"))
        layout.addWidget(self.form)
        self.start = button("Evaluate", "Run the model on every case and compare", self.evaluate, self)
        layout.addWidget(self.start)
        self.message = note("", self)
        layout.addWidget(self.message)
        self.metrics = ResultsTable(self, most_rows=16)
        self.metrics.hide()
        layout.addWidget(self.metrics)
        layout.addStretch(1)
        shelf.bar.running_changed.connect(lambda is_running: self.start.setEnabled(not is_running))

    def evaluate(self) -> bool:
        """Begin the evaluation the form describes."""
        if self.model.package is None:
            notify.warn("Choose a model first.")
            return False
        values: dict[str, Any] = self.form.values()
        decided: dict[str, Any] = {"model": self.model.chosen_name}
        if not values["out"] or values["out"] == ".":
            name = f"{self.model.chosen_name}-{datetime.now():%Y%m%d-%H%M%S}"
            decided["out"] = self._shelf.user_folder / "evaluations" / name
        try:
            options = self.form.read(**decided)
        except MedclfError as error:
            notify.complain(str(error))
            return False
        self._shelf.settings.set("evaluate", model=self.model.chosen_name, **values)
        self.metrics.hide()
        self.message.setText("")
        return self._shelf.bar.start(
            f"Evaluating {options.model}", lambda: evaluate(options), self._take_result, on_end=self._on_end
        )

    def _take_result(self, result: Evaluation) -> None:
        measured = result.measured
        self.message.setText(
            f"{measured.n_cases} cases of {measured.n_groups} patients or groups. Written to {_short(result.path)}."
        )
        rows = [
            (name, metric.value, "" if metric.ci95 is None else f"{metric.ci95[0]:.3f} – {metric.ci95[1]:.3f}")
            for name, metric in measured.metrics.items()
        ]
        self.metrics.show_rows(["measure", "value", "95 % interval"], rows)
        self.metrics.setVisible(bool(rows))

    def _on_end(self, outcome: Outcome[Any]) -> None:
        if outcome.failures:
            first = outcome.failures[0]
            self.message.setText(
                f"{self.message.text()} {len(outcome.failures)} cases were left out; {first.case_id}: {first.reason}"
            )
        if outcome.result is None:
            self.message.setText(outcome.message)


def _short(path: Path) -> str:
    return str(path).replace(str(Path.home()), "~", 1)
