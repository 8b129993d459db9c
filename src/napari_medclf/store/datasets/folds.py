"""Several ways to split one data set: k-fold cross-validation and repeated hold-out, by patient."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from napari_medclf.domain.dataset import Case, Dataset, Split
from napari_medclf.domain.errors import DatasetError
from napari_medclf.store.datasets.split import shuffled, split_by_group, stratum_of


def k_fold(dataset: Dataset, n_folds: int, seed: int = 0) -> tuple[Dataset, ...]:
    """Make k data sets: each case outside of the test split validates in one of them and trains in the others.

    Groups are never cut; strata (the case's `stratum` and classes) are spread evenly over the folds.

    Raises
    ------
    DatasetError
        If there are fewer groups than folds.
    """
    dealt = [case for case in dataset.cases if case.split is not Split.TEST]
    fold_of = _deal(dealt, n_folds, seed)
    return tuple(
        replace(
            dataset,
            cases=tuple(
                case
                if case.split is Split.TEST
                else replace(case, split=Split.VAL if fold_of[case.group_id] == fold else Split.TRAIN)
                for case in dataset.cases
            ),
        )
        for fold in range(n_folds)
    )


def repeated_hold_out(
    dataset: Dataset, n_repeats: int, fractions: Mapping[Split, float], seed: int = 0
) -> tuple[Dataset, ...]:
    """Split a data set again and again, each time with another seed; a test split that it has stays.

    Raises
    ------
    DatasetError
        As `split_by_group`.
    """
    test = dataset.in_split(Split.TEST)
    drawn = [case for case in dataset.cases if case.split is not Split.TEST]
    wanted = {split: share for split, share in fractions.items() if not (test and split is Split.TEST)}
    repeats = []
    for number in range(n_repeats):
        split_of = {case.case_id: case.split for case in split_by_group(drawn, wanted, seed + number)}
        cases = tuple(replace(case, split=split_of.get(case.case_id, Split.TEST)) for case in dataset.cases)
        repeats.append(replace(dataset, cases=cases))
    return tuple(repeats)


def join_groups(cases: Sequence[Case], pairs: Sequence[tuple[str, str]]) -> tuple[Case, ...]:
    """Put cases that belong together into one group, and all of their groups with them.

    Parameters
    ----------
    pairs : sequence of (case id, case id)
        Such as near-copies, or two images of one patient.

    Returns
    -------
    tuple of Case
        In their order; a joined group has the name of its first.
    """
    group_of = {case.case_id: case.group_id for case in cases}
    leader = {case.group_id: case.group_id for case in cases}

    def lead(group: str) -> str:
        while leader[group] != group:
            group = leader[group]
        return group

    rank = {group: position for position, group in enumerate(leader)}
    for first, second in pairs:
        one, other = sorted((lead(group_of[first]), lead(group_of[second])), key=lambda name: rank[name])
        leader[other] = one
    return tuple(replace(case, group_id=lead(case.group_id)) for case in cases)


def _deal(cases: Sequence[Case], n_folds: int, seed: int) -> dict[str, int]:
    """Give each group to the fold that has fewest cases of its stratum, and of these to the smallest."""
    groups: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        groups[case.group_id].append(case)
    if len(groups) < n_folds:
        raise DatasetError(f"{len(groups)} groups (patients) cannot be dealt into {n_folds} folds; take fewer folds.")
    of_stratum: dict[object, Counter[int]] = defaultdict(Counter)
    in_all: Counter[int] = Counter()
    fold_of: dict[str, int] = {}
    for name in sorted(groups, key=lambda one: (stratum_of(groups[one]), shuffled(one, seed))):
        counts = of_stratum[stratum_of(groups[name])]
        fold = min(range(n_folds), key=lambda number: (counts[number], in_all[number], number))
        fold_of[name] = fold
        counts[fold] += len(groups[name])
        in_all[fold] += len(groups[name])
    return fold_of
