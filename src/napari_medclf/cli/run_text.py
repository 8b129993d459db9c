"""How runs over images are told: one line a case, and where the results are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from napari_medclf.cli.command import DONE, SOME_FAILED, exit_code
from napari_medclf.domain.events import FinishReason, Outcome
from napari_medclf.domain.run import CaseRecord, CaseStatus, RunRecord, SkipKind

_NO_FAILURES = (SkipKind.RULE, SkipKind.COPY, SkipKind.OTHER)


def run_document(record: RunRecord) -> Mapping[str, Any]:
    """Give the whole record, as in ``run.json``."""
    document: dict[str, Any] = record.model_dump(mode="json")
    return document


def run_lines(record: RunRecord) -> Iterator[str]:
    """Say how each case ended, then how many and where."""
    for case in record.cases:
        yield f"{case.status:7}  {case.case_id}  {_outcome(case)}".rstrip()
    counts = Counter(case.status for case in record.cases)
    yield ", ".join(f"{n} {status}" for status, n in counts.items()) + f" in {record.elapsed_s:.1f} s"
    if record.message:
        yield record.message
    else:
        yield f"results in {record.spec.options['out']}"


def run_exit_code(outcome: Outcome[RunRecord]) -> int:
    """0 when every case is done; 1 when one failed or was refused, in this run or before.

    What is no image, a copy, or left out by a rule is no failure.
    """
    if outcome.reason is not FinishReason.COMPLETED or outcome.result is None:
        return exit_code(outcome)
    if outcome.result.spec.options.get("dry_run"):
        return DONE
    return DONE if all(map(_is_well, outcome.result.cases)) else SOME_FAILED


def _is_well(case: CaseRecord) -> bool:
    return case.status is CaseStatus.DONE or case.skipped_as in _NO_FAILURES


def _outcome(case: CaseRecord) -> str:
    if case.status is not CaseStatus.DONE:
        return case.reason
    return "  ".join(
        f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}" for name, value in case.values.items()
    )
