"""List the answers of a run worst first, as a table on disk and as a page."""

from __future__ import annotations

import csv
import io
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
    from napari_medclf.engine.triage.compare import Figures

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
    sources : dict
        Case to its image.
    n_trained : int
        How many training cases told what is usual; 0 where only the run's own cases did.
    files : tuple of Path
        What was written.
    """

    rows: tuple[TriageRow, ...]
    sources: Mapping[str, str]
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
    record = RunFolder(options.run).record()
    figures = _figures(options, record)
    rows = rank_cases(record.cases, figures)
    files: tuple[Path, ...] = ()
    if options.report:
        yield Progress(0, 0, "writing the report")
        files = write_triage(options.run, record, rows)
    sources = {one.case_id: one.source for one in record.cases}
    return Triaged(rows, sources, figures.n_cases if figures else 0, options.top, files)


def write_triage(out: Path, record: RunRecord, rows: Sequence[TriageRow]) -> tuple[Path, ...]:
    """Write ``triage.csv`` and ``report.html`` of a run.

    Raises
    ------
    WriteError
        If they cannot be written.
    """
    from napari_medclf.atomic import atomic_write
    from napari_medclf.jobs.triage.page import run_page

    page = run_page(out, record, rows, _card_of(out))
    files = {out / TABLE: triage_csv(rows, record), out / "report.html": page}
    try:
        for path, text in files.items():
            atomic_write(path, text)
    except OSError as error:
        raise WriteError(f"{out}: cannot be written ({error.strerror or error}).") from error
    return tuple(files)


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
    from napari_medclf.jobs.triage.score import rank_cases
    from napari_medclf.store.runs import RunFolder

    try:
        record = RunFolder(out).record()
        write_triage(out, record, rank_cases(record.cases, read_figures(package)))
    except Exception:  # noqa: BLE001  (nothing that only helps to look may cost a result)
        _log.debug("the triage of %s could not be written", out, exc_info=True)


def triage_csv(rows: Sequence[TriageRow], record: RunRecord) -> str:
    """Write the list as CSV: rank, case, score, what each kind of doubt gives to it, and why."""
    from napari_medclf.store.results_csv import safe_cell

    sources = {one.case_id: one.source for one in record.cases}
    stream = io.StringIO()
    table = csv.writer(stream, lineterminator="\n")
    table.writerow(["rank", "case_id", "score", *(kind.value for kind in DoubtKind), "why", "source"])
    for row in rows:
        parts = [f"{row.parts.get(kind, 0.0):.3f}" for kind in DoubtKind]
        case_id, why, source = map(safe_cell, (row.case_id, row.sentence, sources.get(row.case_id, "")))
        table.writerow([row.rank, case_id, f"{row.score:.4f}", *parts, why, source])
    return stream.getvalue()


def _figures(options: TriageOptions, record: RunRecord) -> Figures | None:
    from napari_medclf.jobs.triage.figures import figures_of_model, read_figures_file

    if options.traits is not None:
        return read_figures_file(options.traits)
    return figures_of_model(str(record.spec.options.get("model", record.model)), record.weights_sha256)
