"""Say what is in a data set: cases, patients, classes and splits, without reading an image."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from napari_medclf.domain.card import Task
from napari_medclf.domain.dataset import Split
from napari_medclf.domain.events import Job, Progress
from napari_medclf.domain.options import option
from napari_medclf.jobs.dataset.choice import DataOptions

if TYPE_CHECKING:
    from napari_medclf.domain.dataset import Case, Dataset

_MOST_VALUES = 12
NO_SPLIT = "no split"


@dataclass(frozen=True, kw_only=True)
class ShowOptions(DataOptions):
    """Which data to tell of."""

    cases: int = option(0, help="list so many cases", minimum=0)


@dataclass(frozen=True)
class Summary:
    """What is in a data set.

    Parameters
    ----------
    splits : dict
        Split to its cases and patients.
    classes : dict
        Class to how many cases of each split have it; empty where label images or boxes would have to be read.
    quantities : dict
        Name of a number to (lowest, median, highest).
    facts : dict
        Fact to how many cases have each value, the most frequent values first.
    advice : tuple of str
        What makes the data hard or impossible to learn from.
    rows : tuple of dict
        The cases that were asked for.
    """

    name: str
    task: Task
    is_exclusive: bool
    n_cases: int
    n_groups: int
    class_names: tuple[str, ...]
    splits: Mapping[str, tuple[int, int]]
    classes: Mapping[str, Mapping[str, int]]
    quantities: Mapping[str, tuple[float, float, float]]
    facts: Mapping[str, Mapping[str, int]]
    n_left_out: int
    splits_sha256: str
    warnings: tuple[str, ...]
    advice: tuple[str, ...]
    rows: tuple[Mapping[str, Any], ...]


def show_dataset(options: ShowOptions) -> Job[Summary]:
    """Open a data set and tell what is in it.

    Raises
    ------
    DatasetError
        If there is none.
    """
    from napari_medclf.jobs.data import open_data

    yield Progress(0, 0, f"opening {options.data}")
    return summarise(open_data(options.choice), n_rows=options.cases)


def summarise(dataset: Dataset, n_rows: int = 0) -> Summary:
    """Count the cases of a data set in every way that needs no image."""
    from napari_medclf.jobs.dataset.advice import advise
    from napari_medclf.store.datasets import splits_sha256

    has_split = any(case.split for case in dataset.cases)
    return Summary(
        name=dataset.name,
        task=dataset.task,
        is_exclusive=dataset.is_exclusive,
        n_cases=len(dataset.cases),
        n_groups=dataset.n_groups,
        class_names=dataset.schema.names,
        splits=_by_split(dataset.cases),
        classes=_by_class(dataset),
        quantities=_quantities(dataset),
        facts=_facts(dataset.cases),
        n_left_out=len(dataset.left_out),
        splits_sha256=splits_sha256(dataset) if has_split else "",
        warnings=dataset.warnings,
        advice=tuple(one.sentence for one in advise(dataset)),
        rows=tuple(row_of(case) for case in dataset.cases[:n_rows]),
    )


def row_of(case: Case) -> dict[str, Any]:
    """One case as a row of a table: what is known of it without reading its image."""
    row: dict[str, Any] = {"case_id": case.case_id, "group": case.group_id, "split": case.split or ""}
    row["label"] = "|".join(case.classes)
    row |= {f"value:{name}": value for name, value in case.values.items()}
    row |= {f"fact:{name}": value for name, value in case.facts.items()}
    return row | {f"path:{role}": str(ref) for role, ref in case.images.items()}


def _by_split(cases: Sequence[Case]) -> dict[str, tuple[int, int]]:
    names = [*(split.value for split in Split), NO_SPLIT]
    of_split = {name: [case for case in cases if _split_name(case) == name] for name in names}
    return {name: (len(found), len({case.group_id for case in found})) for name, found in of_split.items() if found}


def _by_class(dataset: Dataset) -> dict[str, dict[str, int]]:
    if dataset.task is not Task.CLASSIFY:
        return {}
    known = {name: dict(Counter[str]()) for name in dataset.schema.names}
    for case in dataset.cases:
        for name in case.classes:
            counts = known[dataset.schema.named(name).name]
            counts[_split_name(case)] = counts.get(_split_name(case), 0) + 1
    return known


def _split_name(case: Case) -> str:
    return case.split.value if case.split else NO_SPLIT


def _quantities(dataset: Dataset) -> dict[str, tuple[float, float, float]]:
    names = dataset.schema.names if dataset.task is Task.REGRESS else ()
    found = {name: sorted(case.values[name] for case in dataset.cases if name in case.values) for name in names}
    return {name: (values[0], values[len(values) // 2], values[-1]) for name, values in found.items() if values}


def _facts(cases: Sequence[Case]) -> dict[str, dict[str, int]]:
    counts: dict[str, Counter[str]] = {}
    for case in cases:
        for name, value in case.facts.items():
            counts.setdefault(name, Counter())[value] += 1
    return {name: dict(found.most_common(_MOST_VALUES)) for name, found in counts.items()}


def document_of(summary: Summary) -> dict[str, Any]:
    """Lay the summary out as ``--json`` prints it."""
    return {
        "data": summary.name,
        "task": summary.task,
        "is_exclusive": summary.is_exclusive,
        "n_cases": summary.n_cases,
        "n_groups": summary.n_groups,
        "n_left_out": summary.n_left_out,
        "class_names": summary.class_names,
        "splits": {name: {"n_cases": n, "n_groups": groups} for name, (n, groups) in summary.splits.items()},
        "splits_sha256": summary.splits_sha256,
        "classes": summary.classes,
        "quantities": {
            name: dict(zip(("lowest", "median", "highest"), three, strict=True))
            for name, three in summary.quantities.items()
        },
        "facts": summary.facts,
        "warnings": summary.warnings,
        "advice": summary.advice,
        "cases": summary.rows,
    }
