"""Train: from which data, by which recipe, how long, and the curve while it goes on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from qtpy.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from napari_medclf.domain.card import Metric, Task
from napari_medclf.domain.errors import MedclfError
from napari_medclf.domain.events import EpochDone, FinishReason, JobEvent, Outcome
from napari_medclf.domain.options import option_fields
from napari_medclf.jobs.train import TrainOptions, TrainResult, train
from napari_medclf.ui import notify
from napari_medclf.ui.curve import Curve
from napari_medclf.ui.form_look import FormLook
from napari_medclf.ui.forms import OptionsForm
from napari_medclf.ui.layout import button, column, heading, note
from napari_medclf.ui.measure_names import measure_text
from napari_medclf.ui.model_choice import ModelChoice
from napari_medclf.ui.shelf import Shelf
from napari_medclf.ui.tables import ResultsTable
from napari_medclf.ui.training.beside import BesideSimpler
from napari_medclf.ui.training.planned import PlannedSettings
from napari_medclf.ui.training.recipe_choice import RecipeChoice

_SHOWN = ("data", "exclude", "task", "recipe", "max_minutes", "epochs")
_DECIDED = ("init", "register", "set")
_NOT_DRAWN = ("lr",)
"""Too small to be seen beside losses and scores."""


class TrainPanel(QWidget):
    """The options of a training, its live curve, and the numbers of the model that came out."""

    def __init__(self, shelf: Shelf, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shelf = shelf
        layout = column(self)
        self._first = QVBoxLayout()
        layout.addLayout(self._first)
        layout.addWidget(heading("Train a model on labelled data", self))
        self.recipe = RecipeChoice(shelf, self)
        self.init = ModelChoice(shelf, self, none="a new network")
        self.init.setToolTip("Fine-tuning keeps the network and the input of the model it starts from")
        self.form = self._make_form()
        layout.addWidget(self.form)
        self.settings = PlannedSettings(shelf, self.planned_for, self)
        self.settings.table.set_value(shelf.settings.get("train", "set", ()))
        self.recipe.changed.connect(self.settings.forget)
        layout.addWidget(self.settings)
        layout.addLayout(self._buttons())
        self.message = note("", self)
        layout.addWidget(self.message)
        self.curve = Curve(self)
        layout.addWidget(self.curve, 1)
        self.metrics = ResultsTable(self)
        self.metrics.hide()
        layout.addWidget(self.metrics)
        self.beside = BesideSimpler(self)
        layout.addWidget(self.beside)
        shelf.bar.running_changed.connect(self._on_running)

    def put_first(self, part: QWidget) -> None:
        """Put something above the training of new models."""
        self._first.addWidget(part)

    def train(self) -> bool:
        """Begin the training the form describes."""
        try:
            options = self.read()
        except MedclfError as error:
            notify.complain(str(error))
            return False
        self._shelf.settings.set("train", **self.form.values(), set=list(self.settings.table.value))
        self.curve.clear()
        self.metrics.hide()
        self.beside.forget()
        self.resume.hide()
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
        decided: dict[str, Any] = {"init": self.init.chosen_name, "set": self.settings.table.value}
        if not values["out"] or values["out"] == ".":
            name = values["name"] or f"{Path(values['data']).stem or 'model'}-{datetime.now():%Y%m%d-%H%M%S}"
            decided["out"] = self._shelf.user_folder / "trained" / name
        return self.form.read(**decided)

    def _make_form(self) -> OptionsForm[TrainOptions]:
        form = OptionsForm(
            TrainOptions,
            FormLook(
                hidden=_DECIDED,
                labels={"out": "Model folder", "exclude": "Leave out", "max_minutes": "At most"},
                hints={"out": "automatic, by name and time", "name": "as the folder", "exclude": "no case"},
                folders=("out",),
                folded=[info.name for info in option_fields(TrainOptions) if info.name not in _SHOWN],
            ),
            fields={"recipe": self.recipe.as_field()},
            parent=self,
        )
        form.insert_row(_SHOWN.index("recipe"), "Start from", self.init)
        form.show_values(self._shelf.settings.section("train"))
        form.changed.connect(self._on_form)
        return form

    def _buttons(self) -> QHBoxLayout:
        row = QHBoxLayout()
        self.start = button("Train", "Begin the training; Cancel keeps its last checkpoint", self.train, self)
        self.resume = button("Go on", "Go on from the last checkpoint of what was canceled", self._go_on, self)
        self.resume.hide()
        row.addWidget(self.start, 1)
        row.addWidget(self.resume, 1)
        return row

    def _go_on(self) -> None:
        self.form.show_values({"resume": True})
        self.train()

    def _on_form(self) -> None:
        task = self.form.values()["task"]
        self.recipe.show_task(Task(task) if task else None)

    def show_options(self, options: Mapping[str, Any]) -> None:
        """Take over options that another tab decided."""
        self.form.show_values(options)
        if "set" in options:
            kept = [one for one in self.settings.table.value if not one.startswith("augment.")]
            self.settings.table.set_value((*kept, *options["set"]))

    def planned_for(self) -> dict[str, Any]:
        """Say which recipe, for which data, the settings are wanted of."""
        values = self.form.values()
        data = values["data"] if values["data"] not in {"", "."} else None
        return {
            "name": self.recipe.value,
            "data": None if data is None else Path(data),
            "task": None if not values["task"] else Task(values["task"]),
        }

    def _on_running(self, is_running: bool) -> None:
        self.start.setEnabled(not is_running)
        self.resume.setEnabled(not is_running)

    def _on_event(self, event: JobEvent) -> None:
        if isinstance(event, EpochDone):
            if event.epoch <= self.curve.last_epoch:  # the next network of several
                self.curve.clear()
            values = {name: value for name, value in event.values.items() if name not in _NOT_DRAWN}
            self.curve.add(event.epoch, values, is_best=event.is_best)

    def _take_result(self, result: TrainResult) -> None:
        self.message.setText(
            f"{result.package.name}: best after epoch {result.best_epoch}. It is in the list of models now."
        )
        rows = metric_rows_of(result.metrics)
        self.metrics.show_rows(["on validation cases", "value", "95 % interval"], rows)
        self.metrics.setVisible(bool(rows))
        self.beside.show_model(result.package, self._shelf.lane)
        self.form.show_values({"out": "", "resume": False})  # the next model wants a folder of its own
        self._shelf.refresh_models()

    def _on_end(self, outcome: Outcome[Any], out: Path) -> None:
        if outcome.reason is FinishReason.CANCELED:
            self.form.show_values({"out": out})
            self.resume.show()
            self.message.setText("Canceled. Press Go on to continue from the last checkpoint.")
        elif outcome.reason is FinishReason.FAILED:
            self.message.setText(outcome.message)


def metric_rows_of(metrics: Mapping[str, Metric]) -> list[tuple[str, str, str]]:
    """List (name, value, interval): numbers of all classes together first, then those of each class."""
    plain = {name.removeprefix("val/"): metric for name, metric in metrics.items()}
    in_order = sorted(plain.items(), key=lambda pair: "/" in pair[0])
    return [
        (
            measure_text(name),
            f"{metric.value:.3f}",
            "" if metric.ci95 is None else f"{metric.ci95[0]:.3f} – {metric.ci95[1]:.3f}",
        )
        for name, metric in in_order
    ]
