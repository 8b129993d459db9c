"""`medclf dataset`: look after labelled data."""

from __future__ import annotations

from collections.abc import Iterator

from napari_medclf.cli.command import SOME_FAILED, Command, exit_code
from napari_medclf.cli.tables import columns
from napari_medclf.domain.events import Outcome
from napari_medclf.jobs.dataset import export, findings_folder, show, split
from napari_medclf.jobs.dataset.bring_in import ImportOptions, import_data
from napari_medclf.jobs.dataset.check import CheckOptions, check_dataset
from napari_medclf.jobs.dataset.check_report import CheckReport
from napari_medclf.jobs.dataset.export import Exported, ExportOptions, export_dataset
from napari_medclf.jobs.dataset.show import ShowOptions, Summary, show_dataset
from napari_medclf.jobs.dataset.split import SplitOptions, SplitResult, split_data

_MOST_LINES = 40


def _show_findings(report: CheckReport) -> Iterator[str]:
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


def _show_splits(result: SplitResult) -> Iterator[str]:
    for one in split.document_of(result)["splits"]:
        counts = ", ".join(f"{n} {name}" for name, n in one["counts"].items())
        yield f"{one['path']}: {counts}; sha256 {one['sha256']}"


def _show_summary(summary: Summary) -> Iterator[str]:
    yield f"{summary.name}: {summary.n_cases} cases of {summary.n_groups} groups, to {summary.task}"
    yield from columns([(name, f"{n} cases", f"{groups} groups") for name, (n, groups) in summary.splits.items()])
    yield from _class_lines(summary)
    for name, (lowest, median, highest) in summary.quantities.items():
        yield f"{name}: from {lowest:g} to {highest:g}, median {median:g}"
    for name, counts in summary.facts.items():
        yield f"{name}: {', '.join(f'{value} {n}' for value, n in counts.items())}"
    for row in summary.rows:
        yield "; ".join(f"{key} {value}" for key, value in row.items() if value != "")
    yield from (f"warning: {one}" for one in summary.warnings)
    yield from (f"advice: {one}" for one in summary.advice)


def _class_lines(summary: Summary) -> Iterator[str]:
    if not summary.classes:
        yield f"classes: {', '.join(summary.class_names)}"
        return
    head = ("class", *summary.splits)
    rows = [(name, *(str(counts.get(one, 0)) for one in summary.splits)) for name, counts in summary.classes.items()]
    yield from columns([head, *rows])


def _show_written(result: Exported) -> Iterator[str]:
    failed = f"; {result.n_failed} could not be written" if result.n_failed else ""
    yield f"wrote {result.n_cases} cases as {result.format} into {result.path}{failed}"


COMMANDS = {
    "import": Command(
        ImportOptions,
        import_data,
        export.document_of,
        _show_written,
        summary="bring in data of any layout, or images with a table of labels",
    ),
    "check": Command(
        CheckOptions,
        check_dataset,
        findings_folder.document_of,
        _show_findings,
        _exit_code,
        "look through images and labels for copies, leaks, conflicts, outliers and what cannot be read",
    ),
    "show": Command(
        ShowOptions,
        show_dataset,
        show.document_of,
        _show_summary,
        summary="say what is in a data set: cases, patients, classes, splits",
    ),
    "split": Command(
        SplitOptions,
        split_data,
        split.document_of,
        _show_splits,
        summary="split by patient and freeze that: hold-out, k-fold or repeated",
    ),
    "export": Command(
        ExportOptions,
        export_dataset,
        export.document_of,
        _show_written,
        summary="write data for other programs: nnU-Net, MSD, BIDS, VOC, MedMNIST, folders, a table",
    ),
}
