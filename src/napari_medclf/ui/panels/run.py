"""Run: which model, how, and what it says about the image."""

from __future__ import annotations

from qtpy.QtWidgets import QWidget

from napari_medclf.domain.card import Task
from napari_medclf.domain.errors import MedclfError
from napari_medclf.jobs.predict import RunOptions
from napari_medclf.ui import notify
from napari_medclf.ui.card_text import card_summary, fit_warnings
from napari_medclf.ui.forms import OptionsForm
from napari_medclf.ui.job_bar import seconds_text
from napari_medclf.ui.layout import button, column, heading, note
from napari_medclf.ui.model_choice import ModelChoice
from napari_medclf.ui.session import Session
from napari_medclf.ui.tables import MOST_MEASURED, ResultsTable, ScoreTable


class RunPanel(QWidget):
    """The choice of a model, its options, and the scores and measurements of its last answer."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        layout = column(self)
        layout.addWidget(heading("Model", self))
        self.models = ModelChoice(session, self, wanted=str(session.settings.get("run", "model", "")))
        self.models.currentIndexChanged.connect(lambda index: self._show_model())
        layout.addWidget(self.models)
        self.summary = note("", self)
        layout.addWidget(self.summary)
        self.form = OptionsForm(RunOptions, parent=self)
        self.form.show_values(session.settings.section("run"))
        layout.addWidget(self.form)
        self.start = button("Run   (Space)", "Run the model on the image in the viewer", self.run, self)
        layout.addWidget(self.start)
        layout.addWidget(heading("Answer", self))
        self.message = note("", self)
        layout.addWidget(self.message)
        self.scores = ScoreTable(self)
        self.measurements = ResultsTable(self, most_rows=10)
        layout.addWidget(self.scores)
        layout.addWidget(self.measurements)
        layout.addStretch(1)
        session.models_changed.connect(self._show_model)
        session.image_changed.connect(self._show_model)
        session.answer_changed.connect(self._show_answer)
        session.bar.running_changed.connect(lambda is_running: self.start.setEnabled(not is_running))
        self._show_model()
        self._show_answer()

    def run(self) -> bool:
        """Run the chosen model on the image in the viewer."""
        package = self.models.package
        if package is None:
            notify.warn("Choose a model first; the Models tab installs one, the Train tab makes one.")
            return False
        try:
            options = self.form.read()
        except MedclfError as error:
            notify.complain(str(error))
            return False
        self._session.settings.set("run", model=package.name, **self.form.values())
        return self._session.run(package, options, tells_warnings=not self.isVisible())

    def _show_model(self) -> None:
        package, image = self.models.package, self._session.image
        if package is None:
            self.summary.setText("No model is installed yet.")
            return
        warnings = () if image is None else fit_warnings(image, package.card)
        self.summary.setText("\n".join([card_summary(package.card), *(f"⚠ {one}" for one in warnings)]))

    def _show_answer(self) -> None:
        answer = self._session.answer
        classification = None if answer is None else answer.prediction.classification
        self.scores.setVisible(classification is not None)
        self.scores.show_scores(classification, self._session.person_classes)
        rows = () if answer is None else answer.rows
        self.measurements.setVisible(bool(rows))
        self.measurements.show_measurements(rows)
        if answer is None:
            self.message.setText("Run a model to see labels, scores and measurements here.")
            return
        prediction = answer.prediction
        kind = _count_text(len(rows)) if answer.card.task is Task.INSTANCES else ""
        parts = [f"{prediction.model} {prediction.model_version}", kind]
        parts.append(f"{seconds_text(prediction.elapsed_s)} on {prediction.place}")
        lines = [" · ".join(part for part in parts if part), *(f"⚠ {one}" for one in prediction.warnings)]
        self.message.setText("\n".join(lines))


def _count_text(n_objects: int) -> str:
    return f"{n_objects} objects" + (f", the first {MOST_MEASURED} listed" if n_objects > MOST_MEASURED else "")
