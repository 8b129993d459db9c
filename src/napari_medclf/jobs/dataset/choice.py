"""The options that every command about a data set has: which data, and how to understand it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from napari_medclf.domain.card import Task
from napari_medclf.domain.options import check_options, option
from napari_medclf.jobs.data import DataChoice

TASKS = tuple(Task)


@dataclass(frozen=True)
class DataOptions:
    """Which data, and what its files do not tell."""

    data: Path = option(help="labelled data, in any layout that `train` takes", positional=True)
    task: Task | None = option(None, help="what is to be learned; by default what the data suggests", choices=TASKS)
    exclude: Path | None = option(None, help="JSON that names cases to leave out", advanced=True)
    split: Path | None = option(None, help="JSON that names the cases of train, val and test", advanced=True)
    group_pattern: str = option("", help="regular expression that finds the patient in a case's name", advanced=True)
    class_names: tuple[str, ...] = option((), help="names for the label values 1, 2, ...", advanced=True)
    label_columns: tuple[str, ...] = option((), help="columns of a table that are labels", advanced=True)

    def __post_init__(self) -> None:
        check_options(self)

    @property
    def choice(self) -> DataChoice:
        """The same, as `open_data` takes it."""
        return DataChoice(
            self.data,
            self.task,
            self.group_pattern,
            self.class_names,
            self.label_columns,
            self.split,
            self.exclude,
        )
