"""Say before a training what makes its data hard or impossible to learn from, each in one sentence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_medclf.domain.card import Task
from napari_medclf.domain.dataset import Split
from napari_medclf.domain.errors import DatasetError
from napari_medclf.domain.events import Job, Warned

if TYPE_CHECKING:
    from napari_medclf.domain.dataset import Case, Dataset

_FEW_GROUPS = 8
_FEWEST_GROUPS = 2
_RARE = 10
_LOPSIDED = 20


@dataclass(frozen=True)
class Advice:
    """One sentence: what is wrong, with numbers, and what to do.

    Parameters
    ----------
    is_fatal : bool
        Whether nothing can be learned like that.
    """

    sentence: str
    is_fatal: bool = False


def advise(dataset: Dataset) -> tuple[Advice, ...]:
    """Judge a data set by what is known of it without reading an image; what is fatal comes first.

    A data set without splits is judged as a whole.
    """
    found = [*_about_groups(dataset)]
    if dataset.task is Task.CLASSIFY:
        found += [*_about_classes(dataset)] if dataset.is_exclusive else [*_about_labels(dataset)]
    if dataset.task is Task.REGRESS:
        found += _about_numbers(dataset)
    return tuple(sorted(found, key=lambda one: not one.is_fatal))


def give_advice(dataset: Dataset) -> Job[None]:
    """Warn of what makes data hard to learn from, and refuse what makes it impossible.

    Raises
    ------
    DatasetError
        With the first fatal sentence.
    """
    for one in advise(dataset):
        if one.is_fatal:
            raise DatasetError(f"{dataset.path}: {one.sentence}")
        yield Warned(one.sentence)


def _learned(dataset: Dataset) -> tuple[Case, ...]:
    has_split = any(case.split for case in dataset.cases)
    return dataset.in_split(Split.TRAIN) if has_split else dataset.cases


def _about_groups(dataset: Dataset) -> Iterator[Advice]:
    n_cases, n_groups = len(dataset.cases), dataset.n_groups
    learned = {case.group_id for case in _learned(dataset)}
    if n_groups < _FEWEST_GROUPS:
        yield Advice(
            f"there is {n_groups} patient or group in all, so that nothing is left to validate on; add cases.", True
        )
    elif len(learned) < _FEW_GROUPS:
        yield Advice(
            f"Only {len(learned)} patients or groups ({n_cases} cases in all) are there to learn from: the model may "
            "learn them by heart, and every number will be rough. Add cases, or start from another model with --init."
        )
    validated = {case.group_id for case in dataset.in_split(Split.VAL)}
    if 0 < len(validated) < _FEW_GROUPS:
        yield Advice(
            f"Only {len(validated)} patients or groups are left for validation: the numbers on them are rough, and the "
            "best epoch is partly luck. Add cases, or raise --val-fraction."
        )


def _about_classes(dataset: Dataset) -> Iterator[Advice]:
    learned = Counter(name for case in _learned(dataset) for name in case.classes)
    in_all = Counter(name for case in dataset.cases for name in case.classes)
    names = dataset.schema.names
    present = [name for name in names if learned[name]]
    if len(present) < 2:
        only = f"all are {present[0]!r}" if present else "none has one"
        yield Advice(
            f"the {sum(learned.values())} cases to learn from have one class only ({only}); a classifier needs cases "
            "of at least two.",
            True,
        )
        return
    yield from _about_single_cases(dataset, in_all)
    for name in names:
        if not learned[name] and in_all[name] > 1:
            yield Advice(
                f"The class {name!r} has {in_all[name]} cases, but none among those to learn from: it can never be "
                "recognised. Split again, or leave the class out."
            )
    most, least = max(present, key=lambda one: learned[one]), min(present, key=lambda one: learned[one])
    if learned[most] > _LOPSIDED * learned[least]:
        yield Advice(
            f"{learned[most]} cases to learn from are {most!r} and {learned[least]} are {least!r}: a model that always "
            f"says {most!r} would be right mostly. Read the balanced accuracy, and consider --set balance=1."
        )


def _about_single_cases(dataset: Dataset, in_all: Counter[str]) -> Iterator[Advice]:
    single = [name for name in dataset.schema.names if in_all[name] == 1]
    if single:
        yield Advice(
            f"{_classes(single)} a single case: it can be learned from or measured, not both. Add cases, or leave "
            f"{'it' if len(single) == 1 else 'them'} out with --exclude."
        )
    rare = [name for name in dataset.schema.names if 1 < in_all[name] < _RARE]
    if rare:
        least = min(in_all[name] for name in rare)
        yield Advice(
            f"{_classes(rare)} fewer than {_RARE} cases (the fewest: {least}): what is measured for "
            f"{'it' if len(rare) == 1 else 'them'} means little."
        )


def _about_labels(dataset: Dataset) -> Iterator[Advice]:
    """Judge classes that may come together: each is a question of its own, and needs a yes and a no."""
    learned = _learned(dataset)
    for name in dataset.schema.names:
        n_yes = sum(name in case.classes for case in learned)
        if n_yes in (0, len(learned)):
            answer = "has" if n_yes else "lacks"
            yield Advice(
                f"Every one of the {len(learned)} cases to learn from {answer} {name!r}: nothing can be learned of it."
            )
        elif min(n_yes, len(learned) - n_yes) < _RARE:
            yield Advice(
                f"{n_yes} of {len(learned)} cases to learn from have {name!r}: what is measured for it means little."
            )


def _about_numbers(dataset: Dataset) -> Iterator[Advice]:
    for name in dataset.schema.names:
        values = {case.values[name] for case in _learned(dataset) if name in case.values}
        if len(values) < 2:
            said = f"is {next(iter(values)):g}" if values else "is not known"
            yield Advice(
                f"{name} {said} in all cases to learn from; there is nothing to estimate. Choose other columns with "
                "--label-columns.",
                True,
            )


def _classes(names: Sequence[str]) -> str:
    shown = ", ".join(repr(one) for one in names[:5]) + (" ..." if len(names) > 5 else "")
    return f"The class {shown} has" if len(names) == 1 else f"The classes {shown} have"
