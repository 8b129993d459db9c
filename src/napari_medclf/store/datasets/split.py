"""Cut cases into train, val and test: whole patients, kinds in proportion, the same every time."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from napari_medclf.domain.dataset import Case, Dataset, Split
from napari_medclf.domain.errors import DatasetError


def split_by_group(cases: Sequence[Case], fractions: Mapping[Split, float], seed: int = 0) -> tuple[Case, ...]:
    """Give every case a split; what the fractions leave goes to training.

    Groups are never cut. Within each stratum (the case's `stratum` and classes) groups are put in an
    order that depends on the seed and their names only, so that adding a case moves few others and
    the result is the same on every machine.

    Parameters
    ----------
    cases : sequence of Case
        Their own splits are ignored.
    fractions : dict
        Split to its share of the cases, such as ``{Split.VAL: 0.15, Split.TEST: 0.15}``.

    Raises
    ------
    DatasetError
        If the fractions leave nothing to train, or there are fewer groups than splits.
    """
    wanted: dict[Split, float] = {
        split: share for split, share in fractions.items() if share > 0 and split is not Split.TRAIN
    }
    if sum(wanted.values()) >= 1:
        raise DatasetError(f"Shares of {sum(wanted.values()):g} for validation and test leave nothing to train on.")
    groups: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        groups[case.group_id].append(case)
    if len(groups) < len(wanted) + 1:
        raise DatasetError(
            f"{len(groups)} groups (patients) cannot be cut into {len(wanted) + 1} splits; add cases, or measure on "
            "another dataset."
        )
    split_of = _assign(groups, wanted, seed)
    return tuple(replace(case, split=split_of[case.group_id]) for case in cases)


def split_dataset(
    dataset: Dataset, *, val_fraction: float = 0.15, test_fraction: float = 0.15, seed: int = 0
) -> Dataset:
    """Complete a dataset's splits; what somebody fixed stays.

    Without any split, cases are cut by the fractions. With training and test but no validation
    cases, validation is cut from training. Cases without split beside cases with one stay out.
    """
    have = {split for split in Split if dataset.in_split(split)}
    if not have:
        fractions = {Split.VAL: val_fraction, Split.TEST: test_fraction}
        return replace(dataset, cases=split_by_group(dataset.cases, fractions, seed))
    if Split.TRAIN not in have or Split.VAL in have or val_fraction <= 0:
        return dataset
    again = {
        case.case_id: case for case in split_by_group(dataset.in_split(Split.TRAIN), {Split.VAL: val_fraction}, seed)
    }
    return replace(dataset, cases=tuple(again.get(case.case_id, case) for case in dataset.cases))


def _assign(groups: Mapping[str, Sequence[Case]], wanted: Mapping[Split, float], seed: int) -> dict[str, Split]:
    """Walk the groups stratum by stratum, giving each to the split that lags most behind its share.

    The lag is carried from stratum to stratum, so that small strata do not all fall to training.
    """
    shares = {**wanted, Split.TRAIN: 1 - sum(wanted.values())}
    lag = dict.fromkeys(shares, 0.0)
    split_of: dict[str, Split] = {}
    for group in sorted(groups, key=lambda name: (stratum_of(groups[name]), shuffled(name, seed))):
        n_cases = len(groups[group])
        for split, share in shares.items():
            lag[split] += share * n_cases
        chosen = max(shares, key=lambda split: lag[split])
        lag[chosen] -= n_cases
        split_of[group] = chosen
    _fill_empty(split_of, shares, seed)
    return split_of


def _fill_empty(split_of: dict[str, Split], shares: Mapping[Split, float], seed: int) -> None:
    """A tiny dataset must not leave a wanted split without a group."""
    for split in shares:
        if split not in split_of.values():
            donor = max(shares, key=lambda one: sum(1 for given in split_of.values() if given is one))
            moved = min((name for name, given in split_of.items() if given is donor), key=lambda n: shuffled(n, seed))
            split_of[moved] = split


def stratum_of(cases: Sequence[Case]) -> tuple[str, tuple[str, ...]]:
    """A group's kind: its stratum and the classes of its cases."""
    return min(case.stratum for case in cases), tuple(sorted({name for case in cases for name in case.classes}))


def shuffled(name: str, seed: int) -> str:
    """Return a key that sorts names in an order that depends on the seed only."""
    return hashlib.sha256(f"{seed}/{name}".encode()).hexdigest()
