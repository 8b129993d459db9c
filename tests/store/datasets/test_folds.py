"""Folds and repeats: whole patients, classes in proportion, every case validates once."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from napari_medclf.domain.card import Task
from napari_medclf.domain.dataset import Case, Dataset, FileRef, Split
from napari_medclf.domain.errors import DatasetError
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.store.datasets import join_groups, k_fold, repeated_hold_out, splits_sha256

_CLASSES = ("well", "ill")


def _dataset(n_patients: int = 60, n_test: int = 10) -> Dataset:
    cases = tuple(
        Case(
            f"p{patient}-{number}",
            f"p{patient}",
            {"image": FileRef(Path(f"p{patient}-{number}.png"))},
            classes=(_CLASSES[patient % 5 == 0],),
            split=Split.TEST if patient < n_test else None,
        )
        for patient in range(n_patients)
        for number in range(1 + patient % 3)
    )
    return Dataset("d", Task.CLASSIFY, LabelSchema.from_names(_CLASSES), cases, Path("d"))


def test_every_case_validates_in_one_fold_and_the_test_split_stays() -> None:
    folds = k_fold(_dataset(), 5, seed=1)
    assert len(folds) == 5
    validated = Counter(case.case_id for fold in folds for case in fold.in_split(Split.VAL))
    tested = {case.case_id for case in _dataset().in_split(Split.TEST)}
    assert set(validated.values()) == {1}
    assert set(validated) == {case.case_id for case in _dataset().cases} - tested
    for fold in folds:  # `Dataset` itself refuses a patient in two splits
        assert {case.case_id for case in fold.in_split(Split.TEST)} == tested


def test_classes_are_spread_evenly_over_the_folds() -> None:
    folds = k_fold(_dataset(), 5)
    ill = [sum(case.classes == ("ill",) for case in fold.in_split(Split.VAL)) for fold in folds]
    n_ill = sum(case.classes == ("ill",) for case in _dataset().cases if case.split is None)
    assert sum(ill) == n_ill
    assert max(ill) - min(ill) <= 3  # a patient has up to three cases
    sizes = [len(fold.in_split(Split.VAL)) for fold in folds]
    assert max(sizes) - min(sizes) <= 6


def test_seed_decides_and_order_of_the_cases_does_not() -> None:
    dataset = _dataset()
    turned = Dataset("d", dataset.task, dataset.schema, dataset.cases[::-1], dataset.path)
    same = [splits_sha256(one) for one in k_fold(dataset, 3, seed=4)]
    assert [splits_sha256(one) for one in k_fold(turned, 3, seed=4)] == same
    assert [splits_sha256(one) for one in k_fold(dataset, 3, seed=5)] != same


def test_more_folds_than_patients_are_refused() -> None:
    with pytest.raises(DatasetError, match=r"4 groups \(patients\) cannot be dealt into 5 folds"):
        k_fold(_dataset(n_patients=4, n_test=0), 5)


def test_repeats_differ_and_keep_the_test_split() -> None:
    repeats = repeated_hold_out(_dataset(), 4, {Split.VAL: 0.2, Split.TEST: 0.2})
    assert len({splits_sha256(one) for one in repeats}) == 4
    tested = {case.case_id for case in _dataset().in_split(Split.TEST)}
    assert all({case.case_id for case in one.in_split(Split.TEST)} == tested for one in repeats)
    free = repeated_hold_out(_dataset(n_test=0), 2, {Split.VAL: 0.2, Split.TEST: 0.2})
    assert {case.case_id for case in free[0].in_split(Split.TEST)} != {
        case.case_id for case in free[1].in_split(Split.TEST)
    }


def test_joined_cases_bring_all_of_their_groups_together() -> None:
    cases = _dataset(n_patients=6, n_test=0).cases
    joined = join_groups(cases, [("p2-0", "p4-1"), ("p4-0", "p5-2")])
    groups = {case.case_id: case.group_id for case in joined}
    assert {groups[f"p{n}-0"] for n in (2, 4, 5)} == {"p2"}
    assert groups["p1-0"] == "p1"
    assert [case.case_id for case in joined] == [case.case_id for case in cases]
