"""`medclf triage`, and `medclf triage learn`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from napari_medclf.cli.command import Command
from napari_medclf.cli.tables import columns
from napari_medclf.jobs.triage.learn import Learned, LearnTraitsOptions, learn_traits
from napari_medclf.jobs.triage.listing import Triaged, TriageOptions, triage


def _document(result: Triaged) -> Mapping[str, Any]:
    rows = [
        {
            "rank": row.rank,
            "case_id": row.case_id,
            "score": row.score,
            "parts": {kind.value: part for kind, part in row.parts.items()},
            "why": row.sentence,
            "source": row.source,
        }
        for row in result.rows
    ]
    return {"n_trained": result.n_trained, "cases": rows, "files": [str(path) for path in result.files]}


def _show(result: Triaged) -> Iterator[str]:
    if not result.rows:
        yield "no case of this run has an answer"
        return
    shown = result.rows[: result.n_top or None]
    yield from columns(
        [("rank", "score", "case", "why"), *((str(r.rank), f"{r.score:.2f}", r.case_id, r.sentence) for r in shown)]
    )
    left = len(result.rows) - len(shown)
    if left:
        yield f"and {left} more; --top 0 lists all"
    training = f" and {result.n_trained} cases of the training" if result.n_trained else ""
    yield f"compared with each other{training}"
    for path in result.files:
        yield f"wrote {path}"


def _learned_document(result: Learned) -> Mapping[str, Any]:
    return {"path": str(result.path), "n_cases": result.figures.n_cases, "n_traits": len(result.figures.centres)}


def _show_learned(result: Learned) -> Iterator[str]:
    yield f"{len(result.figures.centres)} numbers of {result.figures.n_cases} cases"
    yield f"wrote {result.path}"


COMMAND = Command(TriageOptions, triage, _document, _show)
BESIDE = {
    "learn": Command(
        LearnTraitsOptions,
        learn_traits,
        _learned_document,
        _show_learned,
        summary="Note what a model's training cases are like, so that few cases of a run can be judged, too.",
    )
}
