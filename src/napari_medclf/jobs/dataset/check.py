"""Look for what is wrong with a data set before anyone learns from it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_medclf.domain.card import Task
from napari_medclf.domain.errors import MedclfError
from napari_medclf.domain.events import Job, Progress, Warned
from napari_medclf.domain.options import check_options, option
from napari_medclf.domain.quality import Finding, FindingKind, Severity

if TYPE_CHECKING:
    from napari_medclf.domain.dataset import Case, Dataset
    from napari_medclf.domain.image import MedImage
    from napari_medclf.engine.quality.judge import Looked
    from napari_medclf.jobs.case_reader import CaseReader

_TASKS = (Task.CLASSIFY, Task.SEGMENT, Task.INSTANCES)


@dataclass(frozen=True)
class CheckOptions:
    """Which data to look through."""

    data: Path = option(help="labelled data, in any layout that `train` takes", positional=True)
    out: Path | None = option(None, help="folder for check.json and findings.csv; without one, nothing is written")
    task: Task | None = option(None, help="what is to be learned; by default what the data suggests", choices=_TASKS)
    group_pattern: str = option("", help="regular expression that finds the patient in a case's name", advanced=True)
    class_names: tuple[str, ...] = option((), help="names for the label values 1, 2, ...", advanced=True)
    label_columns: tuple[str, ...] = option((), help="columns of a table that are labels", advanced=True)

    def __post_init__(self) -> None:
        check_options(self)


@dataclass(frozen=True)
class CheckReport:
    """What was found.

    Parameters
    ----------
    findings : tuple of Finding
        Errors first.
    warnings : tuple of str
        What was odd about the data as a whole, such as labels without an image.
    """

    name: str
    n_cases: int
    findings: tuple[Finding, ...]
    warnings: tuple[str, ...] = ()

    @property
    def n_errors(self) -> int:
        """How many findings must be mended."""
        return sum(1 for one in self.findings if one.severity is Severity.ERROR)

    @property
    def counts(self) -> dict[str, int]:
        """How many findings there are of each kind."""
        return dict(Counter(str(one.kind) for one in self.findings))


def check_dataset(options: CheckOptions) -> Job[CheckReport]:
    """Look at every image and label of a data set; a bad case is a finding and never stops the rest.

    Raises
    ------
    DatasetError
        If there is no data set.
    """
    from napari_medclf.engine.quality.judge import judge_images
    from napari_medclf.jobs.data import DataChoice, open_data

    yield Progress(0, 0, f"opening {options.data}")
    dataset = open_data(
        DataChoice(options.data, options.task, options.group_pattern, options.class_names, options.label_columns)
    )
    for warning in dataset.warnings:
        yield Warned(warning)
    looked, findings = yield from _look_through(dataset)
    yield Progress(len(dataset.cases), len(dataset.cases), "comparing")
    findings += judge_images(looked)
    ordered = sorted(findings, key=lambda one: one.severity is not Severity.ERROR)
    report = CheckReport(dataset.name, len(dataset.cases), tuple(ordered), dataset.warnings)
    if options.out is not None:
        _write(options.out, report)
    return report


def _look_through(dataset: Dataset) -> Job[tuple[list[Looked], list[Finding]]]:
    from napari_medclf.engine.quality.judge import Looked
    from napari_medclf.engine.quality.look import look_at
    from napari_medclf.jobs.case_reader import CaseReader

    reader = CaseReader(dataset)
    looked: list[Looked] = []
    findings: list[Finding] = []
    for position, case in enumerate(dataset.cases):
        yield Progress(position, len(dataset.cases), case.case_id)
        try:
            image = reader.image(case)
        except MedclfError as error:
            findings.append(_bad(FindingKind.UNREADABLE, case, str(error)))
            continue
        looked.append(Looked(case, look_at(image)))
        findings += _check_labels(reader, case, image)
    return looked, findings


def _check_labels(reader: CaseReader, case: Case, image: MedImage) -> Iterator[Finding]:
    if case.label_map is None:
        return
    try:
        reference = reader.reference(case, image)
    except MedclfError as error:
        yield _bad(FindingKind.BAD_LABELS, case, str(error))
        return
    if not reference.labels.any():
        sentence = f"{case.case_id}: nothing is labelled. Is that meant, or was it forgotten?"
        yield Finding(FindingKind.EMPTY_LABELS, Severity.WARNING, (case.case_id,), sentence, (case.case_id,))


def _bad(kind: FindingKind, case: Case, sentence: str) -> Finding:
    return Finding(kind, Severity.ERROR, (case.case_id,), sentence, (case.case_id,))


def document_of(report: CheckReport) -> dict[str, Any]:
    """Lay the report out as ``check.json`` has it."""
    return {
        "schema_version": 1,
        "data": report.name,
        "n_cases": report.n_cases,
        "n_errors": report.n_errors,
        "counts": report.counts,
        "warnings": report.warnings,
        "findings": [_row(one) for one in report.findings],
    }


def _row(finding: Finding) -> dict[str, Any]:
    return {
        "kind": finding.kind,
        "severity": finding.severity,
        "cases": finding.cases,
        "sentence": finding.sentence,
        "exclude": finding.exclude,
    }


def _write(folder: Path, report: CheckReport) -> None:
    from napari_medclf.atomic import atomic_write
    from napari_medclf.jobs.json_text import json_text
    from napari_medclf.jobs.tables import table_csv

    atomic_write(folder / "findings.csv", table_csv(_table(report.findings)))
    atomic_write(folder / "check.json", json_text(document_of(report)) + "\n")


def _table(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    return [
        {
            "severity": str(one.severity),
            "kind": str(one.kind),
            "cases": " ".join(one.cases),
            "exclude": " ".join(one.exclude),
            "sentence": one.sentence,
        }
        for one in findings
    ]
