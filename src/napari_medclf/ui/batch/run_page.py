"""What to run on which folder, what that would do, and the button that begins it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from dataclasses import fields as dataclass_fields
from pathlib import Path
from typing import Any

from qtpy.QtCore import QTimer, Signal
from qtpy.QtWidgets import QHBoxLayout, QWidget

from napari_medclf.domain.errors import MedclfError
from napari_medclf.domain.events import FinishReason, Job, Outcome, Progress
from napari_medclf.domain.options import option_fields
from napari_medclf.domain.run import CaseStatus, RunRecord, RunSpec
from napari_medclf.domain.series_rule import FolderRule
from napari_medclf.jobs.batch.batch import batch
from napari_medclf.jobs.batch.options import BatchOptions
from napari_medclf.jobs.batch.planned import BatchPlan
from napari_medclf.jobs.spec import options_from
from napari_medclf.ui import notify
from napari_medclf.ui.batch.plan_view import PlanView
from napari_medclf.ui.batch.reading import has_run
from napari_medclf.ui.batch.words import counts_text
from napari_medclf.ui.form_look import FormLook
from napari_medclf.ui.forms import OptionsForm
from napari_medclf.ui.lane import Lane
from napari_medclf.ui.layout import button, column, heading, note
from napari_medclf.ui.model_choice import ModelChoice
from napari_medclf.ui.shelf import Shelf

_SHOWN = ("folder", "out", "format")
_DECIDED = ("model", "dry_run", "resume")
_PEEK_MS = 400


class RunPage(QWidget):
    """The form of a batch, its plan, and the run.

    Signals
    -------
    begun : Path
        A run begins, whose results will be there.
    ended : Path
        It is over, however it ended.
    """

    begun = Signal(object)
    ended = Signal(object)

    def __init__(self, shelf: Shelf, lane: Lane, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shelf, self._lane = shelf, lane
        layout = column(self, margin=0)
        layout.setContentsMargins(0, 8, 0, 0)
        layout.addWidget(heading("Run a model on every image of a folder", self))
        self.model = ModelChoice(shelf, self, wanted=str(shelf.settings.get("batch", "model", "")))
        self.form = self._make_form()
        layout.addWidget(self.form)
        self.found = note("", self)
        self.found.hide()
        layout.addWidget(self.found)
        layout.addLayout(self._buttons())
        self.message = note("", self)
        self.message.hide()
        layout.addWidget(self.message)
        self.plan_view = PlanView(self)
        self.plan_view.hide()
        layout.addWidget(self.plan_view, 1000)
        layout.addStretch(1)  # takes the room while there is no plan
        self._peeking = QTimer(self)
        self._peeking.setSingleShot(True)
        self._peeking.setInterval(_PEEK_MS)
        self._peeking.timeout.connect(self._peek)
        self.form.changed.connect(self._peeking.start)
        self.model.currentIndexChanged.connect(lambda *_: self._peeking.start())
        shelf.bar.running_changed.connect(self._on_running)

    def plan(self) -> bool:
        """List what the run would do."""
        options = self._read()
        if options is None:
            return False
        from napari_medclf.jobs.batch.plan import plan_batch

        self._tell("")
        return self._shelf.bar.start(
            f"Planning {options.folder.name}", lambda: plan_batch(_going_on(options)), self._take_plan
        )

    def run(self) -> bool:
        """Begin the run, or go on with the one that is in the results folder."""
        options = self._read()
        return options is not None and self._begin(options, self.model.chosen_name)

    def go_on(self, spec: RunSpec, out: Path) -> bool:
        """Go on with a run as it was begun, whatever the form says; only what is missing or changed is done."""
        try:
            options: BatchOptions = options_from(spec, BatchOptions, out=out, dry_run=False, resume=True)
        except (MedclfError, TypeError, ValueError) as error:  # of another version
            notify.complain(f"{out.name}: the run there cannot be gone on with from here ({error}).")
            return False
        return self._begin(options, Path(options.model).name)

    def _begin(self, options: BatchOptions, name: str) -> bool:
        self._tell("")
        is_begun = self._shelf.bar.start(
            f"Running {name} on {options.folder.name}",
            lambda: batch(_going_on(options)),
            lambda record: self._take_record(record, options.out),
            on_end=lambda outcome: self._on_end(outcome, options.out),
        )
        if is_begun:
            self.begun.emit(options.out)
        return is_begun

    def _make_form(self) -> OptionsForm[BatchOptions]:
        form = OptionsForm(
            BatchOptions,
            FormLook(
                hidden=_DECIDED,
                labels={"out": "Results folder", "format": "Formats"},
                hints={"out": "automatic, by folder and model"},
                folders=("folder", "out"),
                folded=[info.name for info in option_fields(BatchOptions) if info.name not in _SHOWN],
                groups={"Which images": [one.name for one in dataclass_fields(FolderRule)]},
            ),
            parent=self,
        )
        form.insert_row(0, "Model", self.model)
        form.show_values(self._shelf.settings.section("batch"))
        return form

    def _buttons(self) -> QHBoxLayout:
        row = QHBoxLayout()
        self.dry_run = button("Plan", "List what would be run and what not, and how long it takes", self.plan, self)
        self.start = button("Run the folder", "Run the model on every image", self.run, self)
        row.addWidget(self.dry_run, 1)
        row.addWidget(self.start, 2)
        return row

    def _read(self) -> BatchOptions | None:
        package = self.model.package
        if package is None:
            notify.warn("Choose a model first.")
            return None
        values = self.form.values()
        if values["folder"] in ("", "."):
            notify.warn("Choose the folder with the images first.")
            return None
        in_use = self._shelf.in_use(package)
        decided: dict[str, Any] = {"model": package.name if in_use is package else str(in_use.folder)}
        decided["out"] = self._out(values)
        try:
            options = self.form.read(**decided)
        except MedclfError as error:
            notify.complain(str(error))
            return None
        self._shelf.settings.set("batch", model=self.model.chosen_name, **values)
        return options

    def _out(self, values: dict[str, Any]) -> Path:
        """Where results go: as the form says, else a folder of this user's by folder and model."""
        if values["out"] and values["out"] != ".":
            return Path(values["out"]).expanduser()
        name = f"{Path(values['folder']).name}-{self.model.chosen_name}"
        return self._shelf.user_folder / "batches" / name

    def _take_plan(self, found: BatchPlan) -> None:
        self.plan_view.show_plan(found)
        self.plan_view.show()

    def _take_record(self, record: RunRecord, out: Path) -> None:
        counts = {status: sum(one.status is status for one in record.cases) for status in CaseStatus}
        self._tell(f"{record.message or counts_text(counts)}. Written to {out}")

    def _on_end(self, outcome: Outcome[Any], out: Path) -> None:
        if outcome.reason is FinishReason.CANCELED:
            self._tell("Canceled. Run it again to do only what is missing.")
        elif outcome.reason is FinishReason.FAILED:
            self._tell(outcome.message)
        self.ended.emit(out)
        self._peek()

    def _tell(self, text: str) -> None:
        self.message.setText(text)
        self.message.setVisible(bool(text))

    def _peek(self) -> None:
        """Find out on a worker whether the results folder holds a run already."""
        values = self.form.values()
        if not values["folder"] or values["folder"] == ".":
            self._take_peek(None)
            return
        out = self._out(values)
        self._lane.add("", lambda: _peek_into(out), self._take_peek, lambda message: self._take_peek(None))

    def _take_peek(self, found: _Found | None) -> None:
        self.found.setVisible(found is not None)
        self.start.setText("Run the folder" if found is None else "Go on with the run")
        if found is not None:
            self.found.setText(f"{found.sentence} Running goes on with it: only what is missing or changed is done.")

    def _on_running(self, is_running: bool) -> None:
        self.start.setEnabled(not is_running)
        self.dry_run.setEnabled(not is_running)


@dataclass(frozen=True)
class _Found:
    """A run that is in the results folder already."""

    sentence: str


def _going_on(options: BatchOptions) -> BatchOptions:
    """Go on with the run that is there, if any; asked on a worker, as the folder may be far away."""
    return replace(options, resume=has_run(options.out))


def _peek_into(out: Path) -> Job[_Found | None]:
    from napari_medclf.store.runs import Ledger

    yield Progress(0, 0, f"looking into {out.name}")
    ledger = Ledger(out)
    if not ledger.exists():
        return None
    run = ledger.run()
    return _Found(f"{out.name} holds a run of {run.model} {run.model_version}: {counts_text(ledger.counts())}.")
