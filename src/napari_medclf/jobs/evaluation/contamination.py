"""Whether a model is measured on what it has learned from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from napari_medclf.domain.card import ModelCard
from napari_medclf.domain.events import Job

if TYPE_CHECKING:
    from napari_medclf.jobs.compare import Comparison


def contamination_of(
    comparisons: Sequence[Comparison], known: Iterable[str], card: ModelCard, *, is_exclusive: bool
) -> Job[dict[str, Any] | None]:
    """Mark an evaluation whose cases the model learned from, or was chosen on.

    Parameters
    ----------
    known : iterable of str
        The ids of the measured cases that it knows.

    Returns
    -------
    dict or None
        ``n_cases``, ``n_measured``, ``cases``, ``sentence`` and, where other cases are left, ``metrics_without``: the
        numbers of those alone. None where it knows no case.
    """
    from napari_medclf.jobs.evaluation.summary import summarise

    cases = sorted(set(known))
    if not cases:
        return None
    fresh = [one for one in comparisons if one.case_id not in cases]
    document: dict[str, Any] = {
        "n_cases": len(cases),
        "n_measured": len(comparisons),
        "cases": cases,
        "sentence": _sentence(len(cases), len(comparisons)),
    }
    if fresh:
        metrics = yield from summarise(fresh, card, is_exclusive=is_exclusive)
        document["metrics_without"] = {name: one for name, one in metrics.items() if one.value == one.value}
    return document


def _sentence(n_cases: int, n_measured: int) -> str:
    what = "all" if n_cases == n_measured else f"{n_cases} of {n_measured}"
    return (
        f"Contaminated: the model learned from {what} measured images, or was chosen on them. The numbers are too "
        "good, and say little about new patients."
    )
