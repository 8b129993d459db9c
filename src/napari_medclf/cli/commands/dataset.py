"""`medclf dataset`: look after labelled data."""

from __future__ import annotations

from collections.abc import Iterator

from napari_medclf.cli.command import SOME_FAILED, Command, exit_code
from napari_medclf.domain.events import Outcome
from napari_medclf.jobs.dataset.check import CheckOptions, CheckReport, check_dataset
from napari_medclf.jobs.dataset.findings_folder import document_of

_MOST_LINES = 40


def _show(report: CheckReport) -> Iterator[str]:
    for one in report.findings[:_MOST_LINES]:
        yield f"{one.severity}: {one.sentence}"
    if len(report.findings) > _MOST_LINES:
        yield f"... {len(report.findings) - _MOST_LINES} more; --out writes them all"
    kinds = ", ".join(f"{n} {kind}" for kind, n in report.counts.items()) or "nothing found"
    yield f"{report.n_cases} cases: {kinds}"


def _exit_code(outcome: Outcome[CheckReport]) -> int:
    """Tell scripts when something must be mended."""
    if outcome.result is not None and outcome.result.n_errors:
        return SOME_FAILED
    return exit_code(outcome)


_CHECK = "look through images and labels for copies, leaks, conflicts, outliers and what cannot be read"
COMMANDS = {"check": Command(CheckOptions, check_dataset, document_of, _show, _exit_code, _CHECK)}
