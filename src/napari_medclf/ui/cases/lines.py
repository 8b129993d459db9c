"""A table of cases as plain values: filtered and sorted without Qt, so that long ones stay quick."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from napari_medclf.domain.dataset import Dataset

Cell = str | float


@dataclass(frozen=True)
class CaseLine:
    """One row: its case, and a cell a column."""

    case_id: str
    cells: tuple[Cell, ...]

    @property
    def words(self) -> str:
        """What a filter looks through."""
        return " ".join([self.case_id, *(cell for cell in self.cells if isinstance(cell, str))]).lower()


@dataclass(frozen=True)
class CaseList:
    """Rows under named columns.

    Parameters
    ----------
    choosers : tuple of str
        Columns of few values, by which a person picks rows.
    """

    columns: tuple[str, ...] = ("case",)
    lines: tuple[CaseLine, ...] = ()
    choosers: tuple[str, ...] = ()
    _words: tuple[str, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_words", tuple(line.words for line in self.lines))

    def values(self, column: str) -> tuple[str, ...]:
        """List the texts that stand in a column, in their order."""
        place = self.columns.index(column)
        return tuple(sorted({str(line.cells[place]) for line in self.lines}))

    def picked(self, text: str = "", chosen: Mapping[str, str] | None = None) -> tuple[CaseLine, ...]:
        """List the rows that hold every word of a text, and the chosen values."""
        words = text.lower().split()
        places = {self.columns.index(column): value for column, value in (chosen or {}).items() if value}
        return tuple(
            line
            for line, haystack in zip(self.lines, self._words, strict=True)
            if all(word in haystack for word in words)
            and all(line.cells[place] == value for place, value in places.items())
        )


def in_order(lines: Sequence[CaseLine], place: int, *, is_descending: bool = False) -> tuple[CaseLine, ...]:
    """Sort rows by a column: numbers by size, then those that are unknown, then texts by the alphabet."""

    def key(line: CaseLine) -> tuple[int, Cell]:
        cell = line.cells[place]
        if isinstance(cell, str):
            return 2, cell.lower()
        return (1, 0.0) if math.isnan(cell) else (0, -cell if is_descending else cell)

    has_numbers = any(not isinstance(line.cells[place], str) for line in lines)
    return tuple(sorted(lines, key=key, reverse=is_descending and not has_numbers))


def lines_of_dataset(dataset: Dataset) -> CaseList:
    """List the cases of a data set: name, split, class, patient where that is another, and what else is known."""
    facts = list(dict.fromkeys(name for case in dataset.cases for name in case.facts))
    values = list(dict.fromkeys(name for case in dataset.cases for name in case.values))
    has_splits = any(case.split is not None for case in dataset.cases)
    has_classes = any(case.classes for case in dataset.cases)
    has_groups = dataset.n_groups < len(dataset.cases)
    columns = ("case", *["split"] * has_splits, *["class"] * has_classes, *values, *["patient"] * has_groups, *facts)
    lines = []
    for case in dataset.cases:
        cells: list[Cell] = [case.case_id]
        cells += [case.split.value if case.split is not None else "–"] * has_splits
        cells += [", ".join(case.classes) or "none"] * has_classes
        cells += [case.values.get(name, float("nan")) for name in values]
        cells += [case.group_id] * has_groups
        cells += [case.facts.get(name, "") for name in facts]
        lines.append(CaseLine(case.case_id, tuple(cells)))
    return CaseList(columns, tuple(lines), (*["split"] * has_splits, *["class"] * has_classes))


def counts_text(dataset: Dataset) -> str:
    """Tell how many cases of which split and class there are, in two lines."""
    splits = Counter("without split" if case.split is None else case.split.value for case in dataset.cases)
    classes = Counter(name for case in dataset.cases for name in case.classes)
    lines = [" · ".join(f"{name} {count:,}" for name, count in splits.items())]
    if classes:
        lines.append(" · ".join(f"{name} {count:,}" for name, count in classes.most_common()))
    elif dataset.schema.foreground:
        lines.append(f"labels: {', '.join(one.name for one in dataset.schema.foreground)}")
    return "\n".join(lines)
