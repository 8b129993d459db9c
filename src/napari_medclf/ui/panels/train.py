"""Train: from which data, how long, and the curve while it goes on."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from qtpy.QtWidgets import QWidget

from napari_medclf.domain.errors import MedclfError
from napari_medclf.domain.events import EpochDone, FinishReason, JobEvent, Outcome
from napari_medclf.jobs.train import TrainOptions, TrainResult, train
from napari_medclf.ui import notify
from napari_medclf.ui.curve import Curve
from napari_medclf.ui.forms import OptionsForm
from napari_medclf.ui.layout import button, column, heading, note
from napari_medclf.ui.model_choice import ModelChoice
from napari_medclf.ui.shelf import Shelf
from napari_medclf.ui.tables import ResultsTable


class TrainPanel(QWidget):
    """The options of a training, its live curve, and the numbers of the model that came out."""

    def __init__(self, shelf: Shelf, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shelf = shelf
        layout = column(self)
        layout.addWidget(heading("Learn from labelled data or corrections", self))
        self.init = ModelChoice(shelf, self, none="a new network")
        self.init.setToolTip("Fine-tuning keeps the network and the input of the model it starts from")
        self.form = OptionsForm(
            TrainOptions,
            hidden=("init", "register"),
            labels={"out": "Model folder"},
            hints={"out": "automatic, by name and time", "recipe": "planned from the data", "name": "as the folder"},
            folders=("out",),
            parent=self,
        )
        self.form.insert_row(2, "Start from", self.init)
        self.form.show_values(shelf.settings.section("train"))
        layout.addWidget(self.form)
        self.start = button("Train", "Begin the training; Cancel keeps its last checkpoint", self.train, self)
        layout.addWidget(self.start)
        self.curve = Curve(self)
        layout.addWidget(self.curve, 1)
        self.message = note("", self)
        layout.addWidget(self.message)
        self.metrics = ResultsTable(self)
        self.metrics.hide()
        layout.addWidget(self.metrics)
        shelf.bar.running_changed.connect(lambda is_running: self.start.setEnabled(not is_running))

    def train(self) -> bool:
        """Begin the training the form describes."""
        try:
            options = self.read()
        except MedclfError as error:
            notify.complain(str(error))
            return False
        self._shelf.settings.set("train", **self.form.values())
        self.curve.clear()
        self.metrics.hide()
        self.message.setText(f"The model will be in {options.out}")
        return self._shelf.bar.start(
            f"Training {options.out.name}",
            lambda: train(options),
            self._take_result,
            on_event=self._on_event,
            on_end=lambda outcome: self._on_end(outcome, options.out),
        )

    def read(self) -> TrainOptions:
        """Return the options of the form, with a folder for the model where none was chosen.

        Raises
        ------
        OptionError
            If an option is outside its limits.
        """
        values: dict[str, Any] = self.form.values()
        decided: dict[str, Any] = {"init": self.init.chosen_name}
        if not values["out"] or values["out"] == ".":
            name = values["name"] or f"{Path(values['data']).stem or 'model'}-{datetime.now():%Y%m%d-%H%M%S}"
            decided["out"] = self._shelf.user_folder / "trained" / name
        return self.form.read(**decided)

    def _on_event(self, event: JobEvent) -> None:
        if isinstance(event, EpochDone):
            self.curve.add(event.epoch, event.values, is_best=event.is_best)

    def _take_result(self, result: TrainResult) -> None:
        self.message.setText(
            f"{result.package.name}: best after epoch {result.best_epoch}. It is in the list of models now."
        )
        rows = [
            (name, metric.value, "" if metric.ci95 is None else f"{metric.ci95[0]:.3f} – {metric.ci95[1]:.3f}")
            for name, metric in result.metrics.items()
        ]
        self.metrics.show_rows(["validation", "value", "95 % interval"], rows)
        self.metrics.setVisible(bool(rows))
        self.form.show_values({"out": "", "resume": False})  # the next model wants a folder of its own
        self._shelf.refresh_models()

    def _on_end(self, outcome: Outcome[Any], out: Path) -> None:
        if outcome.reason is FinishReason.CANCELED:
            self.form.show_values({"out": out})
            self.message.setText("Canceled. Tick Resume and press Train to go on from the last checkpoint.")
        elif outcome.reason is FinishReason.FAILED:
            self.message.setText(outcome.message)
