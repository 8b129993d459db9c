"""Verify that nothing in a project was changed behind its back, and tell who did what when."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from napari_medclf.domain.errors import DatasetError
from napari_medclf.domain.events import CaseFailed, Job, Progress
from napari_medclf.domain.options import check_options, option
from napari_medclf.store.audit import AUDIT
from napari_medclf.store.audit_check import JOURNALS, AuditReport, check_audit

_KEPT = ("project.json", AUDIT, *JOURNALS)


@dataclass(frozen=True)
class AuditOptions:
    """Which project, and what is known of it from earlier."""

    project: Path = option(help="folder of the project", positional=True)
    head: str = option("", help="hash of an entry that was noted earlier: it must still be in the trail")

    def __post_init__(self) -> None:
        check_options(self)


def audit(options: AuditOptions) -> Job[AuditReport]:
    """Follow the chain of hashes, and compare every journal line and file with it; each change is a failure.

    Raises
    ------
    DatasetError
        If there is no such folder or it holds no project, or its trail cannot be read.
    """
    if not options.project.is_dir():
        raise DatasetError(f"{options.project}: there is no such folder.")
    if not any((options.project / name).exists() for name in _KEPT):
        raise DatasetError(f"{options.project}: is no project; it has none of {', '.join(_KEPT)}.")
    yield Progress(0, 0, f"verifying {options.project}")
    report = check_audit(options.project, options.head)
    for problem in report.problems:
        yield CaseFailed("", options.project, problem)
    return report
