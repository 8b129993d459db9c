"""Lay an evaluation out as ``metrics.json`` has it, and write its files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_medclf.domain.card import Metric

if TYPE_CHECKING:
    from napari_medclf.domain.dataset import Dataset
    from napari_medclf.domain.package import ModelPackage
    from napari_medclf.jobs.evaluation.measured import Measured

_NOT_NUMBERS = ("score:", "fact:")


def document_of(package: ModelPackage, dataset: Dataset, split: str, measured: Measured) -> dict[str, Any]:
    """Lay the numbers out: averages over the classes by name, and one block a class."""
    macro: dict[str, Metric] = {}
    per_class: dict[str, dict[str, Metric]] = {}
    for name, metric in measured.metrics.items():
        kind, _, one_class = name.partition("/")
        if one_class:
            per_class.setdefault(one_class, {})[kind] = metric
        else:
            macro[kind] = metric
    card = package.card
    return {
        "schema_version": 1,
        "model": card.name,
        "model_version": card.version,
        "weights_sha256": card.weights_sha256,
        "task": card.task,
        "data": dataset.name,
        "split": split,
        "n_cases": measured.n_cases,
        "n_groups": measured.n_groups,
        "n_defined": count_defined(measured.rows),
        **macro,
        "per_class": per_class,
        "undefined": dict(measured.undefined),
    }


def count_defined(rows: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Cases behind each number of a case: one without a class, here and in the reference, has no Dice of it."""
    counts: dict[str, int] = {}
    for row in rows:
        for name, value in row.items():
            if isinstance(value, float) and not name.startswith(_NOT_NUMBERS):
                counts[name] = counts.get(name, 0) + (value == value)
    return counts


def write_evaluation(folder: Path, document: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], page: str) -> Path:
    """Write ``cases.csv``, ``report.html`` and, last, ``metrics.json``; return the last one's path."""
    from napari_medclf.atomic import atomic_write
    from napari_medclf.jobs.json_text import json_text
    from napari_medclf.jobs.tables import table_csv

    path = folder / "metrics.json"
    atomic_write(folder / "cases.csv", table_csv(rows))
    atomic_write(folder / "report.html", page)
    atomic_write(path, json_text(document) + "\n")
    return path


def record_metrics(package: ModelPackage, split: str, metrics: Mapping[str, Metric]) -> None:
    """Put the numbers into the card, in place of earlier ones of that split."""
    from napari_medclf.jobs.publish import with_card

    others = {name: metric for name, metric in package.card.metrics.items() if not name.startswith(f"{split}/")}
    new = {f"{split}/{name}": metric for name, metric in metrics.items()}
    with_card(package, package.card.model_copy(update={"metrics": others | new}))


def training_options(package: ModelPackage) -> Mapping[str, Any]:
    """Return the options of a model's training as its package keeps them; empty where it does not tell."""
    from napari_medclf.domain.errors import CardError
    from napari_medclf.store.bundle import read_run_spec

    try:
        return read_run_spec(package).options
    except CardError:
        return {}
