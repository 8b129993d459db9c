"""The real datasets beside the repository, each in its own layout."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from napari_medclf.domain.card import Task
from napari_medclf.domain.dataset import Split
from napari_medclf.store.datasets import Hints, open_dataset, split_dataset


@pytest.fixture
def data(shared_data: Path) -> Path:
    return shared_data


def _need(path: Path) -> Path:
    if not path.exists():
        pytest.skip(f"the dataset {path.name} is not beside this repository")
    return path


def test_pneumonia_keeps_test_whole_and_drops_leaking_train_images(data: Path) -> None:
    dataset = open_dataset(_need(data / "medmnist" / "pneumoniamnist.npz"))
    assert (len(dataset.in_split(Split.VAL)), len(dataset.in_split(Split.TEST))) == (524, 624)
    assert len(dataset.in_split(Split.TRAIN)) < 4708
    assert any("train images are identical to images of val" in warning for warning in dataset.warnings)
    positives = Counter(case.classes for case in dataset.in_split(Split.TEST))
    assert positives == {("normal",): 234, ("pneumonia",): 390}


def test_breast_image_of_train_and_test_stays_in_test_only(data: Path) -> None:
    dataset = open_dataset(_need(data / "medmnist" / "breastmnist.npz"))
    assert len(dataset.in_split(Split.TRAIN)) == 545
    assert dataset.schema.names == ("malignant", "normal, benign")


def test_volumes_of_a_large_npz_are_listed_by_member(data: Path) -> None:
    dataset = open_dataset(_need(data / "medmnist" / "adrenalmnist3d.npz"), Task.CLASSIFY)
    last = dataset.in_split(Split.TEST)[-1]
    assert last.images["image"].member == "test/297"
    assert len(dataset.cases) == 1188 + 98 + 298


def test_table_with_split_column_is_taken_from_its_folder(data: Path) -> None:
    dataset = open_dataset(_need(data / "csv_pneumonia"))
    assert Counter(case.split for case in dataset.cases) == {Split.TRAIN: 60, Split.VAL: 20, Split.TEST: 40}
    assert dataset.schema.names == ("normal", "pneumonia")
    assert open_dataset(data / "csv_pneumonia" / "labels.csv").cases == dataset.cases


def test_hippocampus_has_its_split_and_none_of_the_quirks(data: Path) -> None:
    dataset = open_dataset(_need(data / "hippocampus_msd"), Task.SEGMENT)
    assert [len(dataset.in_split(split)) for split in Split] == [120, 20, 30]
    assert [(one.value, one.name) for one in dataset.schema.classes] == [(1, "anterior"), (2, "posterior")]
    assert not [case for case in dataset.cases if "quirks" in str(case.images["image"])]
    case = dataset.in_split(Split.TEST)[0]
    assert case.label_map is not None
    assert case.label_map.path.name == case.images["image"].path.name


def test_retina_takes_the_first_observer_and_keeps_a_childs_eyes_together(data: Path) -> None:
    dataset = open_dataset(_need(data / "retina_chase_db1"))
    assert dataset.n_groups == 14
    assert all(case.label_map and case.label_map.path.name.endswith("_1stHO.png") for case in dataset.cases)
    assert [len(dataset.in_split(split)) for split in Split] == [20, 0, 8]
    complete = split_dataset(dataset)
    assert {case.case_id for case in complete.in_split(Split.TEST)} == {
        f"Image_{child}{side}" for child in (11, 12, 13, 14) for side in "LR"
    }
    assert complete.in_split(Split.VAL)
    assert dataset.schema.names == ("vessel",)


def test_nuclei_are_split_with_both_appearances_in_proportion(data: Path) -> None:
    hints = Hints(task=Task.INSTANCES, class_names=("nucleus",))
    dataset = open_dataset(_need(data / "nuclei_dsb2018"), hints=hints)
    assert len(dataset.cases) == 60
    cut = split_dataset(dataset, val_fraction=0.15, test_fraction=0.25, seed=2018)
    assert len(cut.in_split(Split.TEST)) == 15
    kinds = Counter(case.stratum for case in cut.in_split(Split.TEST))
    assert kinds["fluorescence"] in {11, 12}
    assert cut.cases == split_dataset(dataset, val_fraction=0.15, test_fraction=0.25, seed=2018).cases
    assert cut.cases != split_dataset(dataset, val_fraction=0.15, test_fraction=0.25, seed=2019).cases


def test_blood_cells_have_several_yes_no_classes(data: Path) -> None:
    dataset = open_dataset(_need(data / "bccd_multilabel"))
    assert dataset.schema.names == ("has_WBC", "has_Platelets")
    assert not dataset.is_exclusive
    assert sum("has_Platelets" in case.classes for case in dataset.cases) == 74
    assert any("n_RBC" in warning for warning in dataset.warnings)


def test_wrong_task_is_one_sentence(data: Path) -> None:
    from napari_medclf.domain.errors import DatasetError

    with pytest.raises(DatasetError, match="holds label images, which the task 'classify' cannot learn from"):
        open_dataset(_need(data / "hippocampus_msd"), Task.CLASSIFY)
