"""Say whether a model got better: number by number, class by class, group by group, on one hold-out."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_medclf.domain.card import Task
from napari_medclf.domain.events import Job, Progress
from napari_medclf.domain.verdict import Change, Judgement, Verdict
from napari_medclf.jobs.adapt.measure import Scored
from napari_medclf.jobs.evaluation.subgroups import MOST_VALUES, UNKNOWN, part_by

_MAIN = {Task.SEGMENT: ("dice",), Task.INSTANCES: ("ap50",), Task.CLASSIFY: ("auc", "balanced_accuracy")}
"""The number by which a model is called better; the next one where the first is not defined."""
_FEWEST_PATIENTS = 5
"""With four, all get better by chance once in 16 times; "worse" is a warning, and is said from two on."""
_WORDS = {
    Judgement.BETTER: "Better",
    Judgement.SAME: "No difference could be shown",
    Judgement.WORSE: "Worse",
    Judgement.UNKNOWN: "Not known whether it is better",
}


@dataclass(frozen=True)
class Asked:
    """What was asked of both models.

    Parameters
    ----------
    before, after : sequence of Scored
        Of the parent and of the new revision.
    contaminated : tuple of str
        Cases that one of the two learned from.
    """

    task: Task
    before: Sequence[Scored]
    after: Sequence[Scored]
    contaminated: tuple[str, ...] = ()


def unknown(reason: str) -> Verdict:
    """Say that nothing can be said, and why."""
    return Verdict(judgement=Judgement.UNKNOWN, sentence=f"{_WORDS[Judgement.UNKNOWN]}: {reason}")


def judge(asked: Asked) -> Job[Verdict]:
    """Compare before and after, paired by case, resampled by patient.

    Returns
    -------
    Verdict
        Its judgement is that of the main number over the whole hold-out. With fewer than five patients it is unknown,
        unless it is worse.
    """
    pairs = _pairs(asked)
    if not pairs:
        return unknown("no held-out case could be measured with both models.")
    changes = yield from _changes(asked.task, "", pairs)
    for name, members in _subgroups(pairs):
        yield Progress(0, 0, f"measuring on {name}")
        changes += yield from _changes(asked.task, name, members)
    main = changes[0] if changes else None
    if main is None:
        return unknown("no number is defined on the held-out cases.")
    verdict = Verdict(
        judgement=main.judgement,
        sentence="",
        changes=tuple(changes),
        worse_in=tuple(_place(one) for one in changes[1:] if one.judgement is Judgement.WORSE),
        contaminated=asked.contaminated,
        n_cases=main.n_cases,
        n_groups=main.n_groups,
    )
    return verdict.model_copy(update={"sentence": _sentence(verdict, main)})


def _pairs(asked: Asked) -> list[tuple[Scored, Scored]]:
    after = {one.case_id: one for one in asked.after}
    return [(one, after[one.case_id]) for one in asked.before if one.case_id in after]


def _subgroups(pairs: Sequence[tuple[Scored, Scored]]) -> Iterator[tuple[str, list[tuple[Scored, Scored]]]]:
    after = {other.case_id: other for _, other in pairs}
    before = [one for one, _ in pairs]
    for fact in dict.fromkeys(name for one in before for name in one.facts):
        parts = part_by(fact, before)
        if 2 <= len(parts) <= MOST_VALUES + 1:
            for value, members in parts.items():
                if value != UNKNOWN:
                    yield f"{fact}={value}", [(one, after[one.case_id]) for one in members]


def _changes(task: Task, group: str, pairs: Sequence[tuple[Scored, Scored]]) -> Job[list[Change]]:
    from napari_medclf.engine.metrics.paired import resample_paired

    first, second = ([pair[n] for pair in pairs] for n in (0, 1))
    patients = [one.group_id for one in first]
    n_groups = len(set(patients))
    found = yield from resample_paired(_Numbers(task, first), _Numbers(task, second), patients)
    changes = [
        Change(
            name=name,
            group=group,
            before=one.first,
            after=one.second,
            ci95=one.ci95,
            n_cases=len(pairs),
            n_groups=n_groups,
            judgement=_believed(one.judgement, n_groups),
        )
        for name, one in found.items()
        if not math.isnan(one.value)
    ]
    return sorted(changes, key=lambda one: _order(task, one.name))


def _believed(judgement: Judgement, n_groups: int) -> Judgement:
    """Say nothing good of few patients."""
    is_enough = n_groups >= _FEWEST_PATIENTS or (judgement is Judgement.WORSE and n_groups > 1)
    return judgement if is_enough else Judgement.UNKNOWN


class _Numbers:
    """Numbers of drawn cases: means of what every case has, or areas under the curve of all together."""

    def __init__(self, task: Task, scored: Sequence[Scored]) -> None:
        self._task = task
        names = list(dict.fromkeys(name for one in scored for name in one.values))
        self._table = {name: np.array([one.values.get(name, math.nan) for one in scored]) for name in names}

    def __call__(self, chosen: NDArray[np.intp]) -> Mapping[str, float]:
        drawn = {name: column[chosen] for name, column in self._table.items()}
        if self._task is Task.CLASSIFY:
            return _class_numbers(drawn)
        means = {name: _mean(values) for name, values in drawn.items()}
        if self._task is Task.SEGMENT:
            return {"dice": _mean_over_classes(list(drawn.values())), **means}
        return means


def _class_numbers(drawn: Mapping[str, NDArray[np.float64]]) -> dict[str, float]:
    from napari_medclf.engine.metrics.classification import area_under_curve

    names = [name.partition("/")[2] for name in drawn if name.startswith("score/")]
    truth = {name: drawn[f"truth/{name}"] > 0 for name in names}
    areas = {name: area_under_curve(truth[name], drawn[f"score/{name}"].astype(np.float32)) for name in names}
    is_right = {name: (drawn[f"decided/{name}"] > 0) == truth[name] for name in names}
    found_of = [_mean(is_right[name][truth[name]].astype(np.float64)) for name in names]
    numbers = {"auc": _mean(np.array(list(areas.values()))), "balanced_accuracy": _mean(np.array(found_of))}
    if len(names) > 2:  # two classes that exclude each other share one curve
        numbers |= {f"auc/{name}": area for name, area in areas.items()}
    return numbers


def _mean_over_classes(columns: Sequence[NDArray[np.float64]]) -> float:
    table = np.array(columns)
    is_there = ~np.isnan(table)
    n_there = is_there.sum(0)
    sums = np.where(is_there, table, 0.0).sum(0)
    return _mean(np.where(n_there > 0, sums / np.maximum(n_there, 1), math.nan))


def _mean(values: NDArray[np.float64]) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else math.nan


def _order(task: Task, name: str) -> tuple[int, bool]:
    main = _MAIN[task]
    return (main.index(name) if name in main else len(main), "/" in name)


def _place(change: Change) -> str:
    """Name where something got worse: a class, a group, or a class in a group."""
    what = change.name.partition("/")[2]
    if not change.group:
        return what or change.name
    return f"{what} in {change.group}" if what else f"{change.group} ({change.name})"


def _sentence(verdict: Verdict, main: Change) -> str:
    numbers = f"{main.name} {main.before:.3f} before, {main.after:.3f} after ({main.after - main.before:+.3f}"
    interval = f"; 95 % interval {main.ci95[0]:+.3f} to {main.ci95[1]:+.3f}" if main.ci95 else ""
    patients = "patient" if main.n_groups == 1 else "patients"
    parts = [f"{_WORDS[main.judgement]}: {numbers}{interval}), on {main.n_cases} cases of {main.n_groups} {patients}."]
    if main.judgement is Judgement.UNKNOWN:
        parts.append(f"That takes {_FEWEST_PATIENTS} held-out patients at least.")
    if verdict.worse_in:
        parts.append(f"Worse in: {', '.join(verdict.worse_in)}.")
    if verdict.contaminated:
        n = len(verdict.contaminated)
        parts.append(f"Contaminated: a model learned from {n} of these cases, so that its number is too good.")
    return " ".join(parts)
