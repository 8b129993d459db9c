"""How far readers agree: kappa of their classes, Dice of their labels, for every pair, with intervals by patient."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_medclf.domain.card import Metric
from napari_medclf.domain.events import Job, Progress
from napari_medclf.domain.options import check_options, option

if TYPE_CHECKING:
    from napari_medclf.engine.metrics.bootstrap import Statistic
    from napari_medclf.jobs.people.readings import Reading
    from napari_medclf.store.project import ProjectInfo


@dataclass(frozen=True)
class AgreementOptions:
    """Whose answers are compared."""

    project: Path = option(help="folder of the project", positional=True)
    reader: tuple[str, ...] = option((), help="only these people; by default all who answered")
    out: Path | None = option(None, help="CSV to write the table to")

    def __post_init__(self) -> None:
        check_options(self)


@dataclass(frozen=True)
class AgreementRow:
    """One number of the table.

    Parameters
    ----------
    measure : str
        ``cohen``, ``fleiss`` or ``dice``.
    readers : tuple of str
        Two, or all for Fleiss' kappa.
    class_name : str
        Empty for all classes of exclusive ones.
    metric : Metric
        NaN where no case defines it.
    """

    measure: str
    readers: tuple[str, ...]
    class_name: str
    metric: Metric
    n_cases: int
    n_groups: int

    def as_row(self) -> Mapping[str, Any]:
        """The number as a row of a table."""
        low, high = self.metric.ci95 or (None, None)
        return {
            "measure": self.measure,
            "readers": " / ".join(self.readers),
            "class": self.class_name,
            "value": self.metric.value,
            "ci95_low": low,
            "ci95_high": high,
            "n_cases": self.n_cases,
            "n_patients": self.n_groups,
        }


@dataclass(frozen=True)
class Agreement:
    """How far readers agree."""

    readers: tuple[str, ...]
    rows: tuple[AgreementRow, ...]
    n_cases: int
    sentence: str

    def as_document(self) -> Mapping[str, Any]:
        """The table for JSON."""
        return {
            "readers": self.readers,
            "n_cases": self.n_cases,
            "sentence": self.sentence,
            "rows": [row.as_row() for row in self.rows],
        }


@dataclass(frozen=True)
class _Read:
    """One case that two or more people read, with what is needed of it later; labels are not kept.

    `is_independent` tells that all but the first reader were blind.
    """

    group_id: str
    is_independent: bool
    said: Mapping[str, frozenset[str]]
    dices: Mapping[tuple[str, str], Mapping[str, float]]


def measure_agreement(options: AgreementOptions) -> Job[Agreement]:
    """Compare the newest finished answers of every pair of readers; no model is needed.

    Raises
    ------
    DatasetError
        If there is no such project, or two label images of one case have different grids.
    WriteError
        If the table cannot be written.
    """
    from napari_medclf.jobs.people.readings import readings_of
    from napari_medclf.store.project import Project

    project = Project.open(options.project)
    cases = [case for case in project.cases() if len(set(case.readers) & set(options.reader or case.readers)) > 1]
    read: list[_Read] = []
    for number, case in enumerate(cases):
        yield Progress(number, len(cases), case.case_id)
        read.append(_compare(case.group_id, readings_of(case, options.reader), project.info))
    readers = tuple(sorted({name for case in cases for name in case.readers if name in (options.reader or [name])}))
    rows: list[AgreementRow] = []
    for measure, names, class_name, chosen, statistic in _numbers(read, readers, project.info):
        rows.append((yield from _row(measure, names, class_name, chosen, statistic)))
    found = Agreement(readers, tuple(rows), len(read), _sentence(readers, read))
    if options.out is not None:
        _write(options.out, found)
    return found


def _compare(group_id: str, readings: Sequence[Reading], info: ProjectInfo) -> _Read:
    from napari_medclf.jobs.people.readings import dices

    said = {one.reader: frozenset(one.classes) for one in readings if one.classes is not None}
    in_time = sorted(readings, key=lambda one: one.saved.annotation.created)
    is_independent = all(one.saved.annotation.is_blind for one in in_time[1:])
    pairs = {_pair(a.reader, b.reader): dices(a, b, info) for a, b in combinations(readings, 2)}
    return _Read(group_id, is_independent, said, {pair: found for pair, found in pairs.items() if found})


_Number = tuple[str, tuple[str, ...], str, list[_Read], "Statistic"]


def _numbers(read: Sequence[_Read], readers: Sequence[str], info: ProjectInfo) -> Iterator[_Number]:
    """Every number of the table: what it is of, the cases that count, and how it is counted."""
    names = info.classes.names if any(one.said for one in read) else ()
    for pair in combinations(readers, 2):
        both = [one for one in read if set(pair) <= set(one.said)]
        if both:
            for class_name in _of_classes(names, info):
                yield "cohen", pair, class_name, both, _cohen(both, pair, names, class_name)
        painted = [one for one in read if _pair(*pair) in one.dices]
        for label in info.classes.foreground if painted else ():
            if any(label.name in one.dices[_pair(*pair)] for one in painted):
                yield "dice", pair, label.name, painted, _mean_dice(painted, _pair(*pair), label.name)
    several = [one for one in read if len(one.said) > 1]
    if len(readers) > 2 and several:
        for class_name in _of_classes(names, info):
            yield "fleiss", tuple(readers), class_name, several, _fleiss(several, names, class_name)


def _of_classes(names: Sequence[str], info: ProjectInfo) -> tuple[str, ...]:
    """Exclusive classes have one kappa; of others each has its own, and with two classes they are the same."""
    if info.is_exclusive:
        return ("",)
    return tuple(names)


def _cohen(read: Sequence[_Read], pair: tuple[str, ...], names: Sequence[str], class_name: str) -> Statistic:
    from napari_medclf.engine.metrics.readers import cohen_kappa

    first, second = (np.array([_grade(one.said[name], names, class_name) for one in read]) for name in pair)
    n_classes = 2 if class_name else len(names) + 1
    return lambda chosen: {"value": cohen_kappa(first[chosen], second[chosen], n_classes)}


def _fleiss(read: Sequence[_Read], names: Sequence[str], class_name: str) -> Statistic:
    from napari_medclf.engine.metrics.readers import fleiss_kappa

    n_classes = 2 if class_name else len(names) + 1
    counts = np.zeros((len(read), n_classes), dtype=np.int64)
    for number, one in enumerate(read):
        for said in one.said.values():
            counts[number, _grade(said, names, class_name)] += 1
    return lambda chosen: {"value": fleiss_kappa(counts[chosen])}


def _mean_dice(read: Sequence[_Read], pair: tuple[str, str], class_name: str) -> Statistic:
    from napari_medclf.engine.metrics.bootstrap import statistic_of_means

    return statistic_of_means({"value": [one.dices[pair].get(class_name, float("nan")) for one in read]})


def _grade(said: frozenset[str], names: Sequence[str], class_name: str) -> int:
    """What was said as a number: whether the class is there, or which one is; none of them counts as one more."""
    if class_name:
        return int(class_name in said)
    return next((number for number, name in enumerate(names) if name in said), len(names))


def _row(
    measure: str, readers: tuple[str, ...], class_name: str, read: Sequence[_Read], statistic: Statistic
) -> Job[AgreementRow]:
    from napari_medclf.engine.metrics.bootstrap import resample

    groups = [one.group_id for one in read]
    metric = (yield from resample(statistic, groups))["value"]
    return AgreementRow(measure, readers, class_name, metric, len(read), len(set(groups)))


def _pair(first: str, second: str) -> tuple[str, str]:
    return (first, second) if first <= second else (second, first)


def _sentence(readers: Sequence[str], read: Sequence[_Read]) -> str:
    if not read:
        return "No case was read by two people yet: a second reader must answer some cases, too."
    cases = "1 case was" if len(read) == 1 else f"{len(read)} cases were"
    n_seeing = sum(not one.is_independent for one in read)
    seeing = f" In {n_seeing} of them a later reader was not blind: agreement looks better there than it is."
    return f"{cases} read by two or more of {len(readers)} people.{seeing if n_seeing else ''}"


def _write(path: Path, found: Agreement) -> None:
    """Write the table as CSV.

    Raises
    ------
    WriteError
        If it cannot be written.
    """
    from napari_medclf.atomic import atomic_write
    from napari_medclf.domain.errors import WriteError
    from napari_medclf.jobs.tables import table_csv

    try:
        atomic_write(path, table_csv([row.as_row() for row in found.rows]))
    except OSError as error:
        raise WriteError(f"{path}: cannot be written ({error.strerror or error}).") from error
