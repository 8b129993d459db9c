"""List the answers of a run worst first, as a table on disk and as a page."""

from __future__ import annotations

import logging
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from napari_medclf.domain.errors import MedclfError, OptionError, WriteError
from napari_medclf.domain.events import Job, Progress
from napari_medclf.domain.options import check_options, option
from napari_medclf.domain.triage import DoubtKind, TriageRow

if TYPE_CHECKING:
    from napari_medclf.domain.card import ModelCard
    from napari_medclf.domain.package import ModelPackage
    from napari_medclf.domain.run import RunRecord
    from napari_medclf.engine.triage.figures import Figures
    from napari_medclf.jobs.triage.page import RunSummary

TABLE = "triage.csv"
_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class TriageOptions:
    """Which run to look at."""

    run: Path = option(help="folder of results, as `medclf batch --out` wrote it", positional=True)
    traits: Path | None = option(
        None, help="what training cases are like, as `medclf triage learn --out` wrote it; else the model's package"
    )
    top: int = option(20, help="how many cases to list on the screen; 0 lists all", minimum=0)
    report: bool = option(True, help="also write triage.csv and report.html into the folder")

    def __post_init__(self) -> None:
        check_options(self)


@dataclass(frozen=True)
class Triaged:
    """A run in the order in which a person should look at it.

    Parameters
    ----------
    n_trained : int
        How many training cases told what is usual; 0 where only the run's own cases did.
    files : tuple of Path
        What was written.
    """

    rows: tuple[TriageRow, ...]
    n_trained: int = 0
    n_top: int = 0
    files: tuple[Path, ...] = ()


def triage(options: TriageOptions) -> Job[Triaged]:
    """Rank the answers of a run, also of one that goes on or was stopped.

    Raises
    ------
    OptionError
        If there is no run.
    DatasetError
        If the file with the training figures is damaged.
    WriteError
        If table or page cannot be written.
    """
    from napari_medclf.jobs.triage.score import rank_cases
    from napari_medclf.store.runs import RunFolder

    if not options.run.is_dir():
        raise OptionError(f"{options.run}: is no folder of results.")
    yield Progress(0, 0, f"reading {options.run}")
    run = RunFolder(options.run)
    figures = _figures(options, run.head())
    rows = rank_cases(run.each_case(), figures)
    files: tuple[Path, ...] = ()
    if options.report:
        yield Progress(0, 0, "writing the report")
        files = write_triage(options.run, rows)
    return Triaged(rows, figures.n_cases if figures else 0, options.top, files)


def write_triage(out: Path, rows: Iterable[TriageRow]) -> tuple[Path, ...]:
    """Write ``triage.csv`` and ``report.html`` of a run.

    Parameters
    ----------
    rows : iterable of TriageRow
        Worst first; they are gone through once, and not kept.

    Raises
    ------
    WriteError
        If they cannot be written.
    """
    from napari_medclf.atomic import atomic_write, atomic_write_parts
    from napari_medclf.jobs.triage.page import run_page

    table, report = out / TABLE, out / "report.html"
    seen = _Seen()
    try:
        atomic_write_parts(table, triage_csv(seen.watch(rows)))
        atomic_write(report, run_page(out, _summary(out, seen), _card_of(out)))
    except OSError as error:
        raise WriteError(f"{out}: cannot be written ({error.strerror or error}).") from error
    return table, report


@dataclass
class _Seen:
    """What of a list is kept for the page while it goes by: its beginning, and all scores."""

    first: list[TriageRow] = field(default_factory=list)
    scores: array[float] = field(default_factory=lambda: array("d"))

    def watch(self, rows: Iterable[TriageRow]) -> Iterator[TriageRow]:
        from napari_medclf.jobs.triage.page import MOST_PICTURES

        for row in rows:
            if len(self.first) < MOST_PICTURES:
                self.first.append(row)
            self.scores.append(row.score)
            yield row


def _summary(out: Path, seen: _Seen) -> RunSummary:
    from napari_medclf.jobs.triage.page import RunSummary
    from napari_medclf.jobs.triage.tally import Tally
    from napari_medclf.store.runs import RunFolder

    run = RunFolder(out)
    shown = {row.case_id for row in seen.first}
    return RunSummary(run.head(), Tally.of(run.each_case(with_traits=False), shown), seen.first, seen.scores)


def _card_of(out: Path) -> ModelCard | None:
    """Read the model's card from the ledger; None where it is of a version that cannot be read any more."""
    from pydantic import ValidationError

    from napari_medclf.domain.card import ModelCard
    from napari_medclf.store.runs import Ledger

    try:
        return ModelCard.model_validate(Ledger.open(out).run().card)
    except (ValidationError, MedclfError):
        return None


def finish_triage(out: Path, package: ModelPackage) -> None:
    """Write table and page at the end of a run; never raises, as the results themselves are there."""
    from napari_medclf.jobs.triage.figures import read_figures
    from napari_medclf.jobs.triage.score import each_ranked
    from napari_medclf.store.runs import RunFolder

    try:
        write_triage(out, each_ranked(RunFolder(out).each_case(), read_figures(package)))
    except Exception:  # noqa: BLE001  (nothing that only helps to look may cost a result)
        _log.debug("the triage of %s could not be written", out, exc_info=True)


def triage_csv(rows: Iterable[TriageRow]) -> Iterator[str]:
    """Write the list as CSV, line by line: rank, case, score, what each kind of doubt gives to it, and why."""
    from napari_medclf.store.results_csv import csv_line, safe_cell

    yield csv_line(["rank", "case_id", "score", *(kind.value for kind in DoubtKind), "why", "source"])
    for row in rows:
        parts = [f"{row.parts.get(kind, 0.0):.3f}" for kind in DoubtKind]
        case_id, why, source = map(safe_cell, (row.case_id, row.sentence, row.source))
        yield csv_line([str(row.rank), case_id, f"{row.score:.4f}", *parts, why, source])


def _figures(options: TriageOptions, record: RunRecord) -> Figures | None:
    from napari_medclf.jobs.triage.figures import figures_of_model, read_figures_file

    if options.traits is not None:
        return read_figures_file(options.traits)
    return figures_of_model(str(record.spec.options.get("model", record.model)), record.weights_sha256)
