"""A learning curve as a document and as a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Any

from napari_medclf.domain.card import Task
from napari_medclf.domain.dataset import Dataset, Split
from napari_medclf.jobs.evaluation.rivals import MAIN_NUMBER
from napari_medclf.jobs.spec import spec_of

if TYPE_CHECKING:
    from napari_medclf.jobs.learning_curve import CurvePoint, LearningCurveOptions

_ERRORS = (Task.REGRESS,)
"""Tasks whose main number is an error already; the others' error is 1 minus the number."""


def learning_document(
    points: Sequence[CurvePoint], dataset: Dataset, split: Split, options: LearningCurveOptions
) -> dict[str, Any]:
    """Lay a learning curve out as ``learning_curve.json`` has it.

    Returns
    -------
    dict
        ``points`` (one a training), ``sizes`` (mean and standard deviation over repeats) and ``outlook``: the power law
        through them and what twice the patients would bring, or why there is none.
    """
    number = MAIN_NUMBER[dataset.task]
    shown = [_point(one, number) for one in points]
    sizes = _by_size([one for one in shown if one["value"] is not None])
    return {
        "schema_version": 1,
        "data": dataset.name,
        "task": dataset.task,
        "number": number,
        "split": split,
        "n_measured": len(dataset.in_split(split)),
        "points": shown,
        "sizes": sizes,
        "outlook": _outlook(sizes, number, is_error=dataset.task in _ERRORS),
        "spec": spec_of("learning-curve", options),
    }


def write_learning(folder: Path, document: Mapping[str, Any]) -> Path:
    """Write ``learning_curve.html``, ``.csv`` and, last, ``.json``; return the last one's path."""
    from napari_medclf.atomic import atomic_write
    from napari_medclf.jobs.json_text import json_text
    from napari_medclf.jobs.report.learning_page import learning_page
    from napari_medclf.jobs.tables import table_csv

    path = folder / "learning_curve.json"
    rows = [
        {name: value for name, value in one.items() if name not in ("metrics", "ci95")} for one in document["points"]
    ]
    atomic_write(folder / "learning_curve.csv", table_csv(rows))
    atomic_write(folder / "learning_curve.html", learning_page(document))
    atomic_write(path, json_text(document) + "\n")
    return path


def _point(point: CurvePoint, number: str) -> dict[str, Any]:
    metric = point.metrics.get(number)
    return {
        "fraction": point.fraction,
        "repeat": point.repeat,
        "n_cases": point.n_cases,
        "n_groups": point.n_groups,
        "value": metric.value if metric else None,
        "ci95": metric.ci95 if metric else None,
        "metrics": point.metrics,
    }


def _by_size(points: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    sizes = []
    for n_groups in sorted({one["n_groups"] for one in points}):
        values = [one["value"] for one in points if one["n_groups"] == n_groups]
        sd = stdev(values) if len(values) > 1 else None
        sizes.append({"n_groups": n_groups, "n_trainings": len(values), "mean": fmean(values), "sd": sd})
    return sizes


def _outlook(sizes: Sequence[Mapping[str, Any]], number: str, *, is_error: bool) -> dict[str, Any]:
    from napari_medclf.domain.errors import DatasetError
    from napari_medclf.engine.metrics.learning_curve import fit_power_law

    def turned(value: float) -> float:
        return value if is_error else 1 - value

    try:
        law = fit_power_law([one["n_groups"] for one in sizes], [turned(one["mean"]) for one in sizes])
    except DatasetError as error:
        return {"sentence": f"No outlook: {error}"}
    largest = sizes[-1]
    doubled = turned(law.at(2 * largest["n_groups"]))
    return {
        "floor": law.floor,
        "scale": law.scale,
        "exponent": law.exponent,
        "expected_with_twice": doubled,
        "limit": turned(law.floor),
        "sentence": (
            f"With {largest['n_groups']} patients {number} is {largest['mean']:.3f}; the curve through the points "
            f"expects {doubled:.3f} with twice as many, and not beyond {turned(law.floor):.3f}. This is a guess."
        ),
    }
