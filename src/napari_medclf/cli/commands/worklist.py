"""`medclf worklist`."""

from __future__ import annotations

from collections.abc import Iterator

from napari_medclf.cli.command import Command
from napari_medclf.cli.tables import columns
from napari_medclf.jobs.worklist.listing import WorklistOptions, WorkRow, WorkRows, list_cases


def _show(found: WorkRows) -> Iterator[str]:
    rows = [("case", "state", "doubt", "gain", "by", "seconds", "said")]
    yield from columns([*rows, *map(_cells, found.rows)])
    counts = ", ".join(f"{n} {state.value}" for state, n in found.counts.items()) or "no cases"
    yield f"{found.name}: {counts}; order: {found.order}"
    effort = found.effort
    if effort.s_per_case is not None:
        yield f"{effort.s_per_case:.0f} s of human time a finished case ({len(effort.cases)} cases)"


def _cells(row: WorkRow) -> tuple[str, ...]:
    doubt = "" if row.doubt is None else f"{row.doubt:.3f}"
    gain = "" if row.gain is None else f"{row.gain:.2f}"
    seconds = f"{row.active_s:.0f}" if row.active_s else ""
    said = " ".join(part for part in ("unsure" if row.is_unsure else "", row.comment) if part)
    return row.case_id, row.state.value, doubt, gain, row.author, seconds, said


COMMAND = Command(WorklistOptions, list_cases, WorkRows.as_document, _show)
