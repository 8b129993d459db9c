"""A dataset whose patients leak between splits does not exist."""

from __future__ import annotations

from pathlib import Path

import pytest

from napari_medclf.domain.card import Task
from napari_medclf.domain.dataset import Case, Dataset, FileRef, Split
from napari_medclf.domain.errors import DatasetError
from napari_medclf.domain.labels import LabelSchema


def case(case_id, group_id, split=None):
    return Case(case_id, group_id, {"image": FileRef(Path(f"{case_id}.png"))}, split=split)


def dataset(*cases):
    return Dataset("eyes", Task.SEGMENT, LabelSchema.from_names(["vessel"], first_value=1), cases, Path("eyes"))


def test_cases_are_found_by_split_and_counted_by_group():
    eyes = dataset(case("01L", "01", Split.TRAIN), case("01R", "01", Split.TRAIN), case("02L", "02", Split.TEST))
    assert [one.case_id for one in eyes.in_split(Split.TRAIN)] == ["01L", "01R"]
    assert eyes.n_groups == 2


def test_patient_in_two_splits_is_refused():
    with pytest.raises(DatasetError, match="'01'.*too good"):
        dataset(case("01L", "01", Split.TRAIN), case("01R", "01", Split.TEST))


def test_repeated_case_is_refused():
    with pytest.raises(DatasetError, match="01L.*more than once"):
        dataset(case("01L", "01"), case("01L", "02"))


def test_member_shows_in_a_reference():
    assert str(FileRef(Path("pneumonia.npz"), "train/17")) == "pneumonia.npz#train/17"
