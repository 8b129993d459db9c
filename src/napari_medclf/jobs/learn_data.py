"""Labelled data to learn from: which, how it is split, and its cases as the network sees them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from napari_medclf.domain.card import Task
from napari_medclf.domain.dataset import Split
from napari_medclf.domain.errors import OptionError
from napari_medclf.domain.events import Job, Progress, Warned
from napari_medclf.domain.options import check_options, option
from napari_medclf.domain.run_settings import DEVICES

if TYPE_CHECKING:
    from napari_medclf.domain.dataset import Dataset
    from napari_medclf.domain.input_spec import InputSpec
    from napari_medclf.engine.train.cases import TrainCase

TASKS = tuple(Task)
"""What can be learned here."""


@dataclass(frozen=True, kw_only=True)
class LearnOptions:
    """Which data to learn from, and how to split it."""

    data: Path = option(
        help="folder with one sub-folder a class, CSV, MedMNIST npz, images + labels, or a project", positional=True
    )
    task: Task | None = option(None, help="what to learn; by default what the data suggests", choices=TASKS)
    recipe: str = option(
        "", help="a name of `medclf recipes list`, a JSON file, or auto: try several; by default a small network"
    )
    set: tuple[str, ...] = option((), help="a changed setting of the recipe, such as optimiser.lr=0.001; may repeat")
    step: tuple[str, ...] = option(
        (), help="what images go through first, such as median or bias-field (`medclf preprocess`); may repeat"
    )
    epochs: int | None = option(None, help="how often the data is seen; by default what the recipe says", minimum=1)
    max_minutes: float | None = option(None, help="stop after this time and keep the best", unit="min", minimum=0.01)
    seed: int = option(0, help="of every random number", minimum=0)
    device: str = option("auto", help="where to compute", choices=DEVICES)
    val_fraction: float = option(0.15, help="part of the patients to validate on", minimum=0.01, maximum=0.9)
    test_fraction: float = option(
        0.15, help="part of the patients kept for `evaluate`, where the data has no split", minimum=0.0, maximum=0.9
    )
    group_pattern: str = option("", help="regular expression that finds the patient in a case's name", advanced=True)
    split: Path | None = option(None, help="JSON that names the cases of train, val and test", advanced=True)
    exclude: Path | None = option(None, help="JSON that names cases to leave out, as `dataset check` writes it")
    class_names: tuple[str, ...] = option((), help="names for the label values 1, 2, ...", advanced=True)
    label_columns: tuple[str, ...] = option((), help="columns of a table that are labels", advanced=True)

    def __post_init__(self) -> None:
        check_options(self)
        if self.val_fraction + self.test_fraction >= 1:
            raise OptionError(
                f"--val-fraction {self.val_fraction} and --test-fraction {self.test_fraction} leave nothing to train."
            )


def open_to_learn(options: LearnOptions) -> Job[Dataset]:
    """Open data and see to it that there are cases to learn from and to validate on.

    Raises
    ------
    DatasetError
        If the data cannot be learned from.
    """
    from napari_medclf.jobs.data import DataChoice, open_data, require_cases
    from napari_medclf.jobs.dataset.advice import give_advice
    from napari_medclf.jobs.dataset.patients import group_patients
    from napari_medclf.store.datasets import split_dataset

    choice = DataChoice(
        options.data,
        options.task,
        options.group_pattern,
        options.class_names,
        options.label_columns,
        options.split,
        options.exclude,
    )
    dataset = open_data(choice)
    for warning in dataset.warnings:
        yield Warned(warning)
    if not any(case.split for case in dataset.cases):
        dataset = yield from group_patients(dataset)
    dataset = split_dataset(
        dataset, val_fraction=options.val_fraction, test_fraction=options.test_fraction, seed=options.seed
    )
    yield from give_advice(dataset)
    require_cases(dataset, Split.TRAIN)
    require_cases(dataset, Split.VAL)
    return dataset


def cases_to_learn(dataset: Dataset, spec: InputSpec) -> Job[tuple[list[TrainCase], list[TrainCase]]]:
    """Read and prepare the training and the validation cases."""
    from napari_medclf.jobs.case_reader import CaseReader
    from napari_medclf.jobs.load_cases import load_cases

    yield Progress(0, 0, "reading the cases")
    reader = CaseReader(dataset)
    train = yield from load_cases(reader, dataset.in_split(Split.TRAIN), spec)
    val = yield from load_cases(reader, dataset.in_split(Split.VAL), spec)
    return train, val
