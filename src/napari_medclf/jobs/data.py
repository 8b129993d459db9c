"""Open labelled data and see to it that it has the splits that are needed."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_medclf.domain.card import Task
from napari_medclf.domain.dataset import Dataset, Split
from napari_medclf.domain.errors import DatasetError
from napari_medclf.jobs.class_order import in_order

if TYPE_CHECKING:
    from napari_medclf.domain.package import ModelPackage

SPLITS_IN_PACKAGE = "configs/splits.json"
"""Where a model keeps which case it was trained on, so that `evaluate` measures on the others."""


@dataclass(frozen=True)
class DataChoice:
    """Which data, and what a person says about it that its files do not tell.

    Parameters
    ----------
    group_pattern : str
        Regular expression over case names; its first group is the patient.
    class_names : tuple of str
        Names for the label values 1, 2, ...
    label_columns : tuple of str
        Columns of a table that are labels.
    split_file : Path or None
        Says which case is in which split; overrules what the data says.
    exclude : Path or None
        Names cases to leave out: ``exclude.json``, as `medclf dataset check --out` writes it.
    """

    path: Path
    task: Task | None = None
    group_pattern: str = ""
    class_names: tuple[str, ...] = ()
    label_columns: tuple[str, ...] = ()
    split_file: Path | None = None
    exclude: Path | None = None


def open_data(choice: DataChoice) -> Dataset:
    """Open a dataset of any layout.

    Raises
    ------
    DatasetError
        If there is nothing to learn from, or the files contradict each other.
    """
    from napari_medclf.jobs.case_reader import label_values
    from napari_medclf.store.datasets import (
        Hints,
        apply_splits,
        exclude_cases,
        open_dataset,
        read_exclusions,
        read_split_file,
    )

    hints = Hints(
        task=choice.task,
        group_pattern=choice.group_pattern,
        class_names=choice.class_names,
        label_columns=choice.label_columns,
        label_values=label_values,
    )
    dataset = open_dataset(choice.path, hints=hints)
    if choice.task is Task.INSTANCES and dataset.task is Task.SEGMENT:
        dataset = replace(dataset, task=Task.INSTANCES)
    if dataset.task is Task.CLASSIFY:
        dataset = in_order(dataset, choice.class_names)
    if choice.task is Task.DETECT:  # label images teach boxes, too
        dataset = replace(dataset, task=Task.DETECT)
    if choice.split_file is not None:
        dataset = apply_splits(dataset, read_split_file(choice.split_file))
    return dataset if choice.exclude is None else exclude_cases(dataset, read_exclusions(choice.exclude))


def split_as_model(dataset: Dataset, package: ModelPackage) -> Dataset:
    """Split data as it was when the model was trained, if it is that data.

    The owner's own test cases stay what they are: a model that saw other ones is not believed.
    """
    from napari_medclf.store.datasets import apply_splits, read_split_file

    path = package.folder / SPLITS_IN_PACKAGE
    if not path.is_file():
        return dataset
    splits = read_split_file(path)
    if {case.case_id for case in dataset.cases}.isdisjoint(splits):
        return dataset
    if any(splits.get(case.case_id) is not Split.TEST for case in dataset.in_split(Split.TEST)):
        return dataset
    return apply_splits(dataset, splits)


def splits_json(dataset: Dataset) -> bytes:
    """Write down which case is in which split, and the hash of that, for the package."""
    from napari_medclf.store.datasets import splits_sha256

    content: dict[str, Any] = {"splits_sha256": splits_sha256(dataset)}
    content |= {split.value: [case.case_id for case in dataset.in_split(split)] for split in Split}
    return (json.dumps(content, indent=1) + "\n").encode()


def require_cases(dataset: Dataset, split: Split) -> None:
    """Refuse a dataset whose split is empty.

    Raises
    ------
    DatasetError
        Telling what splits there are.
    """
    if dataset.in_split(split):
        return
    counts = ", ".join(f"{len(dataset.in_split(one))} {one.value}" for one in Split)
    raise DatasetError(
        f"{dataset.path}: there are no {split.value} cases; of {len(dataset.cases)} cases, the splits have {counts}."
    )
