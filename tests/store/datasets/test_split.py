"""Splits: whole patients, kinds in proportion, the same everywhere."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from napari_medclf.domain.card import Task
from napari_medclf.domain.dataset import Case, Dataset, FileRef, Split
from napari_medclf.domain.errors import DatasetError
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.store.datasets import (
    apply_splits,
    open_dataset,
    read_split_file,
    split_by_group,
    split_dataset,
    splits_sha256,
    write_split_file,
)

FRACTIONS = {Split.VAL: 0.2, Split.TEST: 0.2}


def _cases(n_groups: int = 40, per_group: int = 3) -> tuple[Case, ...]:
    return tuple(
        Case(
            case_id=f"p{group}-{number}",
            group_id=f"p{group}",
            images={"image": FileRef(Path("x.png"))},
            classes=("rare" if group % 4 == 0 else "usual",),
        )
        for group in range(n_groups)
        for number in range(per_group)
    )


def _dataset(cases: tuple[Case, ...]) -> Dataset:
    return Dataset("d", Task.CLASSIFY, LabelSchema.from_names(["rare", "usual"]), cases, Path("d"))


def test_no_patient_is_cut() -> None:
    split_of: dict[str, set[Split | None]] = {}
    for case in split_by_group(_cases(), FRACTIONS):
        split_of.setdefault(case.group_id, set()).add(case.split)
    assert all(len(found) == 1 for found in split_of.values())


def test_shares_and_classes_are_kept() -> None:
    cut = split_by_group(_cases(), FRACTIONS)
    assert Counter(case.split for case in cut) == {Split.TRAIN: 72, Split.VAL: 24, Split.TEST: 24}
    rare = Counter(case.split for case in cut if case.classes == ("rare",))
    assert rare == {Split.TRAIN: 18, Split.VAL: 6, Split.TEST: 6}


def test_order_of_the_cases_does_not_matter() -> None:
    forward = {case.case_id: case.split for case in split_by_group(_cases(), FRACTIONS, seed=4)}
    backward = {case.case_id: case.split for case in split_by_group(_cases()[::-1], FRACTIONS, seed=4)}
    assert forward == backward


def test_uneven_groups_come_near_the_shares() -> None:
    cases = tuple(case for case in _cases(30, 9) if int(case.case_id.partition("-")[2]) <= _size(case.group_id))
    cut = split_by_group(cases, FRACTIONS)
    share = sum(case.split is Split.TEST for case in cut) / len(cut)
    assert share == pytest.approx(0.2, abs=0.06)


def _size(group: str) -> int:
    return int(group[1:]) % 9


def test_every_wanted_split_gets_a_patient() -> None:
    cut = split_by_group(_cases(3, 1), FRACTIONS)
    assert {case.split for case in cut} == set(Split)


def test_too_few_patients_are_refused() -> None:
    with pytest.raises(DatasetError, match=r"2 groups \(patients\) cannot be cut into 3 splits"):
        split_by_group(_cases(2), FRACTIONS)


def test_shares_that_leave_nothing_are_refused() -> None:
    with pytest.raises(DatasetError, match="leave nothing to train on"):
        split_by_group(_cases(), {Split.VAL: 0.5, Split.TEST: 0.5})


def test_fixed_test_split_stays_when_validation_is_cut() -> None:
    fixed = tuple(replace(case, split=Split.TEST if int(case.group_id[1:]) < 8 else Split.TRAIN) for case in _cases())
    complete = split_dataset(_dataset(fixed), val_fraction=0.25)
    assert complete.in_split(Split.TEST) == _dataset(fixed).in_split(Split.TEST)
    assert len(complete.in_split(Split.VAL)) == 24


def test_written_split_comes_back(tmp_path: Path) -> None:
    cut = split_dataset(_dataset(_cases()), seed=3)
    write_split_file(cut, tmp_path / "splits.json")
    assert apply_splits(_dataset(_cases()), read_split_file(tmp_path / "splits.json")).cases == cut.cases


def test_split_of_other_cases_is_refused() -> None:
    with pytest.raises(DatasetError, match="the split names other cases, such as 'q'"):
        apply_splits(_dataset(_cases()), {"q": Split.TRAIN})


def test_frozen_splits_are_known_by_their_hash(make_files, tmp_path) -> None:

    from napari_medclf.store.datasets import (
        apply_splits,
        read_split_file,
        write_split_file,
    )

    folder = make_files(*(f"{name}/{n}.png" for name in ("ill", "well") for n in range(6)))
    dataset = split_dataset(open_dataset(folder), seed=3)
    write_split_file(dataset, tmp_path / "frozen.json", {"method": "drawn"})
    again = apply_splits(open_dataset(folder), read_split_file(tmp_path / "frozen.json"))
    assert splits_sha256(again) == splits_sha256(dataset) != splits_sha256(split_dataset(open_dataset(folder), seed=4))
    content = json.loads((tmp_path / "frozen.json").read_text())
    content["train"].append(content["test"].pop())
    (tmp_path / "frozen.json").write_text(json.dumps(content))
    with pytest.raises(DatasetError, match="was changed after it was frozen"):
        read_split_file(tmp_path / "frozen.json")
