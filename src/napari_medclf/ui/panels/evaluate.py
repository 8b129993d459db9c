"""Evaluate: how good a model is on labelled data, and which cases it gets wrong."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from qtpy.QtWidgets import QFileDialog, QTabWidget, QWidget

from napari_medclf.domain.card import Task
from napari_medclf.domain.dataset import Dataset
from napari_medclf.domain.errors import DatasetError, MedclfError
from napari_medclf.domain.events import Outcome
from napari_medclf.domain.package import ModelPackage
from napari_medclf.domain.results import Classification, Prediction
from napari_medclf.jobs.evaluate import EvaluateOptions, Evaluation, evaluate
from napari_medclf.ui import notify
from napari_medclf.ui.cases.source import CaseOpened, CaseSource
from napari_medclf.ui.evaluation.results_page import ResultsPage
from napari_medclf.ui.evaluation.scored import Results, ScoredCase, read_results, results_of
from napari_medclf.ui.form_look import FormLook
from napari_medclf.ui.forms import OptionsForm
from napari_medclf.ui.layout import button, column, heading, note
from napari_medclf.ui.model_choice import ModelChoice
from napari_medclf.ui.session import Session
from napari_medclf.ui.tasks import Answer


class EvaluatePanel(QWidget):
    """Two pages: what to measure, and what came out."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._source: CaseSource | None = None
        layout = column(self)
        self.pages = QTabWidget(self)
        self.pages.setDocumentMode(True)
        self.pages.tabBar().setDrawBase(False)
        self.results = ResultsPage(self)
        self.results.case_wanted.connect(self._open_case)
        self.results.folder_wanted.connect(self._choose_folder)
        self.pages.addTab(self._measure_page(), "Measure")
        self.pages.addTab(self.results, "Results")
        layout.addWidget(self.pages, 1)
        session.bar.running_changed.connect(lambda is_running: self.start.setEnabled(not is_running))

    @property
    def metrics(self) -> QWidget:
        """The table of numbers."""
        return self.results.numbers.table

    def evaluate(self) -> bool:
        """Begin the evaluation the form describes."""
        if self.model.package is None:
            notify.warn("Choose a model first.")
            return False
        values: dict[str, Any] = self.form.values()
        decided: dict[str, Any] = {"model": self.model.chosen_name, "against": self.against.chosen_name}
        if not values["out"] or values["out"] == ".":
            name = f"{self.model.chosen_name}-{datetime.now():%Y%m%d-%H%M%S}"
            decided["out"] = self._session.user_folder / "evaluations" / name
        try:
            options = self.form.read(**decided)
        except MedclfError as error:
            notify.complain(str(error))
            return False
        self._session.settings.set("evaluate", model=self.model.chosen_name, **values)
        self.message.setText("")
        package = self.model.package
        return self._session.bar.start(
            f"Evaluating {options.model}",
            lambda: evaluate(options),
            lambda evaluation: self._take_result(evaluation, package, options),
            on_end=self._on_end,
        )

    def open_folder(self, folder: Path) -> None:
        """Show what an evaluation wrote earlier."""
        self._session.lane.add(f"Reading {folder.name}", lambda: read_results(folder), self._take_folder)

    def _measure_page(self) -> QWidget:
        page = QWidget(self)
        layout = column(page, margin=0)
        layout.setContentsMargins(0, 8, 0, 0)
        layout.addWidget(heading("Measure a model on labelled data", page))
        settings = self._session.settings
        self.model = ModelChoice(self._session, page, wanted=str(settings.get("evaluate", "model", "")))
        self.form = OptionsForm(
            EvaluateOptions,
            FormLook(
                hidden=("model", "against"),
                labels={"out": "Results folder", "exclude": "Leave out"},
                hints={"out": "automatic, by model and time"},
                folders=("out",),
            ),
            parent=page,
        )
        self.against = ModelChoice(self._session, page, none="no other model")
        self.against.setToolTip("Measured on the same cases: is the first one better, and is that more than chance?")
        self.form.insert_row(0, "Model", self.model)
        self.form.insert_row(1, "Compared with", self.against)
        self.form.show_values(settings.section("evaluate"))
        layout.addWidget(self.form)
        self.start = button("Evaluate", "Run the model on every case and compare", self.evaluate, page)
        self.earlier = button("Open results …", "Show an evaluation made earlier", self._choose_folder, page)
        self.message = note("", page)
        for widget in (self.start, self.earlier, self.message):
            layout.addWidget(widget)
        layout.addStretch(1)
        return page

    def _take_result(self, evaluation: Evaluation, package: ModelPackage, options: EvaluateOptions) -> None:
        measured = evaluation.measured
        self.message.setText(
            f"{measured.n_cases} cases of {measured.n_groups} patients or groups. Written to {_short(evaluation.path)}."
        )
        classes = tuple(one.name for one in package.card.schema_.foreground)
        source = CaseSource(lambda: _open_data(options, package.card.task, classes))
        self._show(results_of(evaluation), source)

    def _take_folder(self, results: Results) -> None:
        self._show(results, CaseSource(lambda: _open_as_written(results)))

    def _show(self, results: Results, source: CaseSource) -> None:
        self._source = source
        self.results.show_results(results)
        self.pages.setCurrentWidget(self.results)

    def _choose_folder(self) -> None:
        start = str(self._session.user_folder / "evaluations")
        name = QFileDialog.getExistingDirectory(self, "Choose the folder of an evaluation", start)
        if name:
            self.open_folder(Path(name))

    def _open_case(self, case: ScoredCase) -> None:
        if self._source is not None:
            self._session.open_case(self._source, case.case_id, lambda layer, opened: self._answer(layer, opened, case))

    def _answer(self, layer: Any, opened: CaseOpened, case: ScoredCase) -> None:
        """Show what the model said: its scores as they were measured, or its labels by running it again."""
        package = self._package()
        if package is None:
            return
        if case.scores:
            said = Classification(dict(case.scores), case.decided, is_calibrated=package.card.is_calibrated)
            card = package.card
            prediction = Prediction(
                card.name, card.version, opened.image.name, classification=said, weights_sha256=card.weights_sha256
            )
            self._session.put_answer(layer, Answer(card, prediction))
        elif not self._session.bar.is_running:
            from napari_medclf.jobs.predict import RunOptions

            self._session.run(package, RunOptions(device=str(self.form.values()["device"])))

    def _package(self) -> ModelPackage | None:
        name = "" if self.results.results is None else self.results.results.document.get("model")
        return next((one for one in self._session.packages if one.name == name), None)

    def _on_end(self, outcome: Outcome[Any]) -> None:
        if outcome.failures:
            first = outcome.failures[0]
            self.message.setText(
                f"{self.message.text()} {len(outcome.failures)} cases were left out; {first.case_id}: {first.reason}"
            )
        if outcome.result is None:
            self.message.setText(outcome.message)


def _open_data(options: EvaluateOptions, task: Task, classes: tuple[str, ...]) -> Dataset:
    """Open the data of an evaluation as it was opened then; cases that were left out open, too."""
    from napari_medclf.jobs.data import DataChoice, open_data

    names = options.class_names or (() if task is Task.CLASSIFY else classes)
    return open_data(
        DataChoice(options.data, task, options.group_pattern, names, options.label_columns, options.split_file)
    )


def _open_as_written(results: Results) -> Dataset:
    """Open the data of an evaluation from what its document says of how it was made.

    Raises
    ------
    DatasetError
        If the data is not there any more, or the document does not say.
    """
    from napari_medclf.domain.run import RunSpec
    from napari_medclf.jobs.spec import options_from

    document = results.document
    if "spec" not in document:
        raise DatasetError(f"{results.folder}: metrics.json does not say which data was measured.")
    options = options_from(RunSpec.model_validate(document["spec"]), EvaluateOptions, out=results.folder)
    return _open_data(options, Task(document["task"]), tuple(document.get("per_class", {})))


def _short(path: Path) -> str:
    return str(path).replace(str(Path.home()), "~", 1)
