"""Ways to get several members of one recipe: other seeds, other folds, snapshots of one training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from napari_medclf.domain.errors import DatasetError
from napari_medclf.domain.recipe import Recipe, Way
from napari_medclf.engine.auto.members import MemberPlan
from napari_medclf.engine.train.cases import TrainCase


def plan_members(
    way: Way, n_members: int, recipe: Recipe, train: Sequence[TrainCase], val: Sequence[TrainCase], seed: int
) -> list[MemberPlan]:
    """Plan the members of an ensemble.

    Raises
    ------
    DatasetError
        If there are fewer patients than folds.
    """
    share = 1 / n_members
    if way is Way.FOLDS:
        folds = split_into_folds([*train, *val], n_members, seed)
        return [
            MemberPlan(f"fold-{number + 1}", recipe, learned, validated, seed, share)
            for number, (learned, validated) in enumerate(folds)
        ]
    if way is Way.SNAPSHOTS:
        return [
            MemberPlan(f"snapshot-{number + 1}", recipe, train, val, seed + number, share, goes_on=number > 0)
            for number in range(n_members)
        ]
    return [
        MemberPlan(f"seed-{seed + number}", recipe, train, val, seed + number, share) for number in range(n_members)
    ]


def split_into_folds(
    cases: Sequence[TrainCase], n_folds: int, seed: int
) -> list[tuple[list[TrainCase], list[TrainCase]]]:
    """Share cases out so that each is validated on once, patients whole, and classes in proportion where that goes.

    Returns
    -------
    list of (train, val)
        One pair a fold.

    Raises
    ------
    DatasetError
        If there are fewer patients than folds.

    Notes
    -----
    Greedy: the largest patients first, each to the fold that then deviates least from the proportions of the classes.
    """
    groups: dict[str, list[TrainCase]] = {}
    for case in cases:
        groups.setdefault(case.group_id, []).append(case)
    if len(groups) < n_folds:
        raise DatasetError(
            f"{len(groups)} patients or groups cannot be shared out to {n_folds} folds. Take fewer folds."
        )
    kinds = kinds_of(cases)
    counts = {name: _count(members, kinds) for name, members in groups.items()}
    total = np.sum(list(counts.values()), axis=0)
    order = np.random.default_rng(seed).permutation(sorted(groups)).tolist()
    order.sort(key=lambda name: -len(groups[name]))  # stable: equal sizes stay in random order
    filled = np.zeros((n_folds, len(kinds)))
    fold_of: dict[str, int] = {}
    for name in order:
        load = (filled + counts[name]) / np.maximum(total, 1)
        excess = ((load**2) - (filled / np.maximum(total, 1)) ** 2).sum(axis=1)
        fold_of[name] = int(excess.argmin())
        filled[fold_of[name]] += counts[name]
    return [
        (
            [case for case in cases if fold_of[case.group_id] != fold],
            [case for case in cases if fold_of[case.group_id] == fold],
        )
        for fold in range(n_folds)
    ]


def kinds_of(cases: Sequence[TrainCase]) -> list[str]:
    """List the classes that come among cases; all label images are of one kind."""
    return sorted({_kind(case) for case in cases})


def _kind(case: TrainCase) -> str:
    """The class of an image; all label images are of one kind."""
    target = np.asarray(case.sample.target)
    return str(target.tolist()) if target.ndim == 0 and np.issubdtype(target.dtype, np.integer) else ""


def _count(cases: Sequence[TrainCase], kinds: Sequence[str]) -> np.ndarray[Any, Any]:
    return np.array([sum(1 for case in cases if _kind(case) == kind) for kind in kinds], dtype=float)
