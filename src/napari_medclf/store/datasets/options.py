"""What a person may say about a dataset that its files do not tell."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass

from napari_medclf.domain.card import Task
from napari_medclf.domain.dataset import FileRef
from napari_medclf.domain.errors import OptionError

LabelValues = Callable[[FileRef], Collection[int]]
"""Reads a label image and returns the values in it, background included."""


@dataclass(frozen=True)
class Hints:
    """How to understand a dataset; every field may stay as it is.

    Parameters
    ----------
    task : Task or None
        None takes what the layout suggests.
    group_pattern : str
        Regular expression over case names; its first group (or the whole match) is the patient.
    class_names : tuple of str
        Foreground classes of label images, for values 1, 2, ...
    label_columns : tuple of str
        Columns of a table that are labels; empty for automatic.
    label_values : callable or None
        Asked only where nothing else names the classes; a job gives one that reads the files.

    Raises
    ------
    OptionError
        If the pattern is not a regular expression.
    """

    task: Task | None = None
    group_pattern: str = ""
    class_names: tuple[str, ...] = ()
    label_columns: tuple[str, ...] = ()
    label_values: LabelValues | None = None

    def __post_init__(self) -> None:
        try:
            re.compile(self.group_pattern)
        except re.error as error:
            raise OptionError(
                f"The group pattern {self.group_pattern!r} is no regular expression: {error}. "
                "An example: '^(patient\\d+)_'."
            ) from error
