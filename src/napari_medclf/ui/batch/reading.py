"""Reads the folder of a run, also while another process writes to it; on workers only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from napari_medclf.domain.annotation import Status
from napari_medclf.domain.card import ModelCard
from napari_medclf.domain.dataset import FileRef
from napari_medclf.domain.errors import CardError, MedclfError
from napari_medclf.domain.events import Job, Progress
from napari_medclf.domain.run import CaseRecord, CaseStatus, RunSpec
from napari_medclf.ui.batch.rows import RunRow, classes_of, worst_first

if TYPE_CHECKING:
    from napari_medclf.engine.triage.figures import Figures
    from napari_medclf.store.runs.row import LedgerRun


@dataclass(frozen=True)
class RunSeen:
    """A run as its folder shows it at a moment.

    Parameters
    ----------
    card : ModelCard or None
        Of the model that answered; None where it cannot be read any more.
    rows : tuple of RunRow
        The doubtful ones first.
    is_led : bool
        Whether a process goes on with it now.
    ended : str
        How it ended: ``completed``, ``canceled``, ``failed``; empty while it runs, and after a kill.
    project : Path
        Where a person's answers to its cases are kept.
    counts : dict
        How many cases stand where.
    classes : tuple of str
        What was found or decided in any of them.
    """

    folder: Path
    model: str
    model_version: str
    spec: RunSpec
    card: ModelCard | None
    rows: tuple[RunRow, ...]
    is_led: bool = False
    ended: str = ""
    message: str = ""
    project: Path = Path()
    counts: Mapping[CaseStatus, int] = field(default_factory=dict)
    classes: tuple[str, ...] = ()

    @property
    def n_left(self) -> int:
        """How many are still to be run."""
        return self.counts.get(CaseStatus.PENDING, 0) + self.counts.get(CaseStatus.RUNNING, 0)

    @property
    def can_go_on(self) -> bool:
        """Whether it is a run over a folder that is not through, and nobody is at it."""
        is_through = self.n_left == 0 and self.ended == "completed"
        return self.spec.command == "batch" and not self.is_led and not is_through


def has_run(folder: Path) -> bool:
    """Whether a run was begun in a folder."""
    from napari_medclf.store.runs import Ledger

    return Ledger(folder).exists()


class RunReader:
    """Reads a run's ledger again and again; after the first time only what is new.

    Parameters
    ----------
    project_of : callable
        Says where a person's answers to a model of this name are kept.
    """

    def __init__(self, folder: Path, project_of: Callable[[str], Path]) -> None:
        self.folder, self._project_of = folder, project_of
        self._rows: dict[str, RunRow] = {}
        self._seq = 0
        self._told: tuple[object, ...] = ()
        self._card: ModelCard | None = None
        self._figures: Figures | None = None

    @property
    def has_read(self) -> bool:
        """Whether the run could be read before."""
        return bool(self._told)

    def read(self) -> Job[RunSeen | None]:
        """Read the run; None where nothing is new.

        Raises
        ------
        OptionError
            If no run was begun in the folder, or its ledger cannot be read.
        """
        from napari_medclf.jobs.outputs.names_file import true_refs
        from napari_medclf.jobs.triage.figures import figures_of_model
        from napari_medclf.store.runs import Ledger

        yield Progress(0, 0, f"reading {self.folder.name}")
        ledger = Ledger.open(self.folder)
        is_led, run = ledger.is_led(), ledger.run()
        news = ledger.rows(self._seq)
        told = (is_led, run.started, run.finish_reason, run.message)
        if not news and told == self._told:
            return None
        self._told = told
        self._seq = max((row.seq for row in news), default=self._seq)
        if self._card is None:
            self._card = _card_of(run)
            self._figures = figures_of_model(str(run.spec.options.get("model", run.model)), run.weights_sha256)
        project = self._project_of(run.model)
        answered = _answers_of_people(project) if not self._rows else {}
        records = [row.record() for row in news]
        refs = true_refs(self.folder, records)
        for record in records:
            made = _row_of(record, refs[record.source], self.folder)
            before = self._rows.get(record.source)
            review = before.review if before is not None else answered.get(made.ref, Status.OPEN)
            self._rows[record.source] = replace(made, review=review)
        rows = self._ranked()
        return RunSeen(
            self.folder,
            run.model,
            run.model_version,
            run.spec,
            self._card,
            rows,
            is_led,
            run.finish_reason,
            run.message,
            project,
            Counter(row.record.status for row in rows),
            tuple(sorted({name for row in rows for name in classes_of(row.record)})),
        )

    def _ranked(self) -> tuple[RunRow, ...]:
        from napari_medclf.jobs.triage.score import rank_cases

        done = [row.record for row in self._rows.values() if row.record.status is CaseStatus.DONE]
        triage = {one.case_id: one for one in rank_cases(done, self._figures)}
        rows = worst_first(replace(row, triage=triage.get(row.record.case_id)) for row in self._rows.values())
        for row in rows:
            _ = row.size  # now, on a worker, and not when somebody sorts
        return rows


def _row_of(record: CaseRecord, ref: FileRef, folder: Path) -> RunRow:
    from napari_medclf.jobs.triage.thumbnail import thumbnail_path

    picture = thumbnail_path(folder, record.case_id)
    is_drawn = record.status is CaseStatus.DONE and picture.is_file()
    return RunRow(record, ref, picture=picture if is_drawn else None)


def _answers_of_people(project: Path) -> dict[FileRef, Status]:
    from napari_medclf.store.project import Project

    try:
        if not Project.is_project(project):
            return {}
        return {one.image: one.status for one in Project.open(project, sweeps=False).cases()}
    except (MedclfError, OSError):  # the run can be looked at without
        return {}


def _card_of(run: LedgerRun) -> ModelCard | None:
    """Read the model's card from the ledger; where it is of another version, from the model itself."""
    from napari_medclf.jobs.models import find_model

    try:
        return ModelCard.model_validate(run.card)
    except ValueError:  # pydantic's ValidationError is one
        pass
    try:
        return find_model(str(run.spec.options.get("model", run.model))).card
    except (CardError, OSError):
        return None
