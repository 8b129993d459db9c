"""`medclf runs`."""

from __future__ import annotations

from collections.abc import Iterator

from napari_medclf.cli.command import Command
from napari_medclf.cli.tables import columns
from napari_medclf.jobs.runs.show import RunState, ShowOptions, show_run


def _show(found: RunState) -> Iterator[str]:
    rows = [("status", "case", "tries", "seconds", "reason")]
    rows += [
        (row.status.value, row.case_id, str(row.attempt), f"{row.elapsed_s:.1f}" if row.elapsed_s else "", row.reason)
        for row in found.rows
    ]
    yield from columns(rows)
    run = found.run
    yield f"{run.spec.command} with {run.model} {run.model_version}".rstrip() + f", begun {run.started}"
    counts = ", ".join(f"{n} {status.value}" for status, n in found.counts.items())
    yield f"{counts or 'no cases'}. {found.state}"


COMMANDS = {
    "show": Command(
        ShowOptions,
        show_run,
        RunState.as_document,
        _show,
        summary="tell how a run stands, case by case; also while it goes on, and after a kill",
    ),
}
