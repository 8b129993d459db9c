"""How the plan of a run over a folder is told: what will be run, what not and why, and what it will take."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from napari_medclf.domain.run import CaseStatus
from napari_medclf.jobs.batch.planned import BatchPlan, PlannedCase

_SKIPPED = {
    "rule": "left out by a rule",
    "copy": "copies",
    "other": "no images",
    "refused": "that cannot be opened",
    "gone": "gone",
}


def plan_lines(plan: BatchPlan) -> Iterator[str]:
    """Say what stands in every row, then how many, how long and in how much memory."""
    for row in plan.rows:
        word = _WORDS.get(row.record.status, row.record.status.value)
        yield f"{word:7}  {row.record.case_id}  {_about(row)}".rstrip()
        yield from (f"         {note}" for note in row.notes if row.is_to_run)
    yield _counts(plan)
    if plan.to_run:
        yield from _needs(plan)
    yield from plan.notes
    yield "Dry run: nothing was run or written."


def seconds_text(seconds: float) -> str:
    """Say a time.

    >>> seconds_text(0.06), seconds_text(90), seconds_text(7322)
    ('0.06 s', '1 min 30 s', '2 h 2 min')
    """
    if seconds < 60:
        return f"{seconds:.2g} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    named = [(days, "d"), (hours, "h"), (minutes, "min"), (rest, "s")]
    first = next(n for n, (value, _) in enumerate(named) if value)
    return " ".join(f"{value} {unit}" for value, unit in named[first : first + 2] if value)


def _about(row: PlannedCase) -> str:
    if row.record.status is not CaseStatus.PENDING:
        return row.record.reason or "was done before"
    parts = [row.kind, " x ".join(map(str, row.size)), row.description]
    if row.expected_s is not None:
        parts.append(f"about {seconds_text(row.expected_s)}")
    if row.expected_bytes is not None:
        parts.append(_bytes_text(row.expected_bytes))
    return ", ".join(filter(None, [*parts, row.record.reason]))


def _counts(plan: BatchPlan) -> str:
    kinds = Counter(row.record.skipped_as for row in plan.rows if row.record.status is CaseStatus.SKIPPED)
    parts = [f"{len(plan.to_run)} to run with {plan.model} {plan.model_version}"]
    n_done = plan.counts.get(CaseStatus.DONE, 0)
    parts += [f"{n_done} done before"] if n_done else []
    parts += [f"{n} {_SKIPPED[kind.value] if kind is not None else 'skipped'}" for kind, n in kinds.items()]
    return ", ".join(parts)


def _needs(plan: BatchPlan) -> Iterator[str]:
    if plan.expected_s is not None:
        yield f"Expected: about {seconds_text(plan.expected_s)}. {plan.basis}"
    elif plan.basis:
        yield plan.basis
    if plan.peak_bytes is not None:
        peak, free = _bytes_text(plan.peak_bytes), _bytes_text(plan.free_bytes)
        yield f"Expected memory of the largest case: {peak} of {free} free."


def _bytes_text(n_bytes: float) -> str:
    return f"{n_bytes / 1e9:.1f} GB" if n_bytes >= 1e9 else f"{max(round(n_bytes / 1e6), 1)} MB"


_WORDS = {CaseStatus.PENDING: "run", CaseStatus.SKIPPED: "skip"}
