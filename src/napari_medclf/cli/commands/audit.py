"""`medclf audit`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from napari_medclf.cli.command import Command
from napari_medclf.cli.tables import columns
from napari_medclf.jobs.session.audit import AuditOptions, audit
from napari_medclf.store.audit_check import AuditReport

_MOST_SHOWN = 20


def _document(report: AuditReport) -> dict[str, Any]:
    return {
        "is_whole": report.is_whole,
        "head": report.head,
        "problems": report.problems,
        "notes": report.notes,
        "entries": [one.model_dump(mode="json") for one in report.entries],
    }


def _show(report: AuditReport) -> Iterator[str]:
    shown = report.entries[-_MOST_SHOWN:]
    if shown:
        rows = [(str(one.n), one.at, one.who, one.what, one.about) for one in shown]
        yield from columns([("", "when", "who", "what", "about"), *rows])
    yield from report.notes
    yield from report.problems
    if report.is_whole and report.entries:
        yield f"{len(report.entries)} entries, and nothing was changed since they were written."
    if report.head:
        yield f"Newest entry: {report.head} (note it elsewhere, and give it to --head later)"


COMMAND = Command(AuditOptions, audit, _document, _show)
