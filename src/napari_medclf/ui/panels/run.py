"""Run: which model, how, and what it says about the image."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QCheckBox, QWidget

from napari_medclf.domain.card import Task
from napari_medclf.domain.errors import MedclfError
from napari_medclf.domain.image import MedImage
from napari_medclf.domain.package import ModelPackage
from napari_medclf.domain.violation import Violation
from napari_medclf.jobs.contract import check_image
from napari_medclf.jobs.predict import RunOptions
from napari_medclf.ui import model_tasks, notify
from napari_medclf.ui.card_text import card_summary
from napari_medclf.ui.form_look import FormLook
from napari_medclf.ui.forms import OptionsForm
from napari_medclf.ui.job_bar import seconds_text
from napari_medclf.ui.layout import button, column, heading, note
from napari_medclf.ui.model_choice import ModelChoice
from napari_medclf.ui.notices import Notices
from napari_medclf.ui.session import Session
from napari_medclf.ui.tables import MOST_MEASURED, ResultsTable, ScoreTable
from napari_medclf.ui.trust_dialog import TrustDialog

_LABELS = {"memory_gb": "Most memory (GB)", "uncertainty": "Map of uncertainty", "mirror": "Mirrored images"}


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
        self.notices = Notices(self._mend, self)
        layout.addWidget(self.notices)
        self.form = OptionsForm(RunOptions, FormLook(labels=_LABELS), parent=self)
        self.form.show_values(session.settings.section("run"))
        layout.addWidget(self.form)
        self.start = button("Run   (Space)", "Run the model on the image in the viewer", self.run, self)
        layout.addWidget(self.start)
        layout.addWidget(heading("Answer", self))
        self.message = note("", self)
        layout.addWidget(self.message)
        self.doubt = QCheckBox("Show where the model is unsure", self)
        self.doubt.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.doubt.toggled.connect(self._show_doubt)
        layout.addWidget(self.doubt)
        self.scores = ScoreTable(self)
        self.measurements = ResultsTable(self, most_rows=10)
        layout.addWidget(self.scores)
        tip = "Show where in the image the model found what speaks for the class that is chosen in the table"
        self.why = button("Show why   (E)", tip, self.explain, self)
        layout.addWidget(self.why)
        layout.addWidget(self.measurements)
        layout.addStretch(1)
        self.dialog: TrustDialog | None = None
        self._noted = ""
        self._checked: tuple[ModelPackage | None, MedImage | None] = (None, None)
        session.trust_wanted.connect(self._ask_for_trust)
        session.noted.connect(self._show_noted)
        session.models_changed.connect(self._show_model)
        session.image_changed.connect(self._show_model)
        session.answer_changed.connect(self._show_answer)
        session.bar.running_changed.connect(self._on_running_changed)
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

    def explain(self) -> bool:
        """Show what in the image speaks for the class chosen in the table, or the one that the model decides for."""
        package = self.models.package
        if package is None or package.card.task is not Task.CLASSIFY:
            notify.warn(
                "Choose a model that gives classes to images first; answers of others lie on the image already."
            )
            return False
        device = str(self.form.values().get("device", "auto"))
        return self._session.explain(package, device, self.scores.chosen_class)

    def _show_model(self) -> None:
        package, image = self.models.package, self._session.image
        self.summary.setText("No model is installed yet." if package is None else card_summary(package.card))
        if self._checked == (package, image):
            return
        self._checked = (package, image)
        self.notices.show_violations(())
        if package is not None and image is not None:
            card = package.card
            self._session.lane.add(
                "",
                lambda: check_image(image, card),
                lambda found: self._show_violations(package, image, found),
                lambda message: None,  # what is wrong with the image is told when it is run
            )

    def _show_violations(self, package: ModelPackage, image: MedImage, found: tuple[Violation, ...]) -> None:
        if self._checked == (package, image):
            self.notices.show_violations(found)

    def _mend(self, violation: Violation) -> None:
        package = self.models.package
        if package is not None:
            self._session.mend(package, violation)

    def _ask_for_trust(self, package: ModelPackage) -> None:
        self.dialog = TrustDialog(package, lambda: self._trust(package), self.window())
        self.dialog.finished.connect(self._forget_dialog)
        self.dialog.open()

    def _trust(self, package: ModelPackage) -> None:
        self._session.lane.add("", lambda: model_tasks.trust(package), self._on_trusted)

    def _on_trusted(self, name: str) -> None:
        self.run()

    def _forget_dialog(self, code: int) -> None:
        self.dialog = None

    def _show_doubt(self, is_shown: bool) -> None:
        layer = self._session.doubt_layer
        if layer is not None:
            layer.visible = is_shown

    def _show_noted(self, message: str) -> None:
        self._noted = f"{self._noted}\n{_as_sentence(message)}".strip()
        self._show_answer()

    def _on_running_changed(self, is_running: bool) -> None:
        self.start.setEnabled(not is_running)
        self.why.setEnabled(not is_running)
        self._noted = ""
        self._show_answer()

    def _show_answer(self) -> None:
        answer = self._session.answer
        classification = None if answer is None else answer.prediction.classification
        self.scores.setVisible(classification is not None)
        self.why.setVisible(classification is not None)
        self.scores.show_scores(classification, self._session.person_classes)
        rows = () if answer is None else answer.rows
        self.measurements.setVisible(bool(rows))
        self.measurements.show_measurements(rows)
        layer = self._session.doubt_layer
        self.doubt.setVisible(layer is not None)
        self.doubt.blockSignals(True)
        self.doubt.setChecked(layer is not None and layer.visible)
        self.doubt.blockSignals(False)
        if self._noted:
            self.message.setText(self._noted)
            return
        if answer is None:
            self.message.setText("Run a model to see labels, scores and measurements here.")
            return
        prediction = answer.prediction
        kind = _count_text(len(rows)) if answer.card.task in (Task.INSTANCES, Task.DETECT) else ""
        parts = [f"{prediction.model} {prediction.model_version}", kind]
        parts.append(f"{seconds_text(prediction.elapsed_s)} on {prediction.place}")
        known = {one.sentence for one in self.notices.violations}
        warnings = [f"⚠ {one}" for one in prediction.warnings if one not in known]
        plan = [_as_sentence(prediction.plan)] if prediction.plan else []
        lines = [" · ".join(part for part in parts if part), *plan, *warnings]
        self.message.setText("\n".join(lines))


def _as_sentence(line: str) -> str:
    return f"{line[:1].upper()}{line[1:]}"


def _count_text(n_objects: int) -> str:
    counted = f"{n_objects} object{'' if n_objects == 1 else 's'}"
    return f"{counted}, the first {MOST_MEASURED} listed" if n_objects > MOST_MEASURED else counted
