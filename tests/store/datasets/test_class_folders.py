"""Folders by class: splits above, patients and series below."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from napari_medclf.domain.dataset import Split
from napari_medclf.domain.errors import DatasetError
from napari_medclf.store.datasets import Hints, open_dataset

Make = Callable[..., Path]


def test_class_is_the_folder(make_files: Make) -> None:
    folder = make_files("cat/a1.png", "cat/a10.png", "cat/a2.png", "dog/b1.JPG", "dog/notes.txt")
    dataset = open_dataset(folder)
    assert [(case.case_id, case.classes) for case in dataset.cases] == [
        ("cat-a1", ("cat",)),
        ("cat-a2", ("cat",)),
        ("cat-a10", ("cat",)),
        ("dog-b1", ("dog",)),
    ]


def test_split_stands_above_the_class(make_files: Make) -> None:
    folder = make_files("training/a/1.png", "training/b/2.png", "validation/a/1.png", "Test/b/9.png")
    dataset = open_dataset(folder)
    assert {case.case_id: case.split for case in dataset.cases} == {
        "train-a-1": Split.TRAIN,
        "train-b-2": Split.TRAIN,
        "val-a-1": Split.VAL,
        "test-b-9": Split.TEST,
    }


def test_folder_below_a_class_is_a_patient(make_files: Make) -> None:
    dataset = open_dataset(make_files("ill/p7/left.png", "ill/p7/right.png", "well/p8/left.png"))
    assert [case.group_id for case in dataset.cases] == ["p7", "p7", "p8"]


def test_folder_of_dicom_files_is_one_case(make_files: Make) -> None:
    dataset = open_dataset(make_files("ill/s1/1.dcm", "ill/s1/2.dcm", "well/s2/IM0001", "well/s2/IM0002"))
    assert [case.images["image"].path.name for case in dataset.cases] == ["s1", "s2"]


def test_pattern_groups_images_of_a_patient(make_files: Make) -> None:
    folder = make_files("ill/p1_a.png", "ill/p1_b.png", "well/p2_a.png")
    dataset = open_dataset(folder, hints=Hints(group_pattern=r"^(p\d+)_"))
    assert [case.group_id for case in dataset.cases] == ["p1", "p1", "p2"]


def test_patient_in_two_splits_is_refused(make_files: Make) -> None:
    folder = make_files("train/ill/p1_a.png", "train/well/p2_a.png", "test/ill/p1_b.png", "test/well/p3_a.png")
    with pytest.raises(DatasetError, match=r"1 groups \(patients\) stand in two splits, such as 'p1'"):
        open_dataset(folder, hints=Hints(group_pattern=r"^(p\d+)_"))


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        (["only/1.png"], "at least two; found only 'only'"),
        (["1.png", "2.png"], "nothing that says what they show"),
    ],
)
def test_what_is_no_layout_is_one_sentence(make_files: Make, names: list[str], sentence: str) -> None:
    with pytest.raises(DatasetError, match=sentence):
        open_dataset(make_files(*names))


def test_class_without_image_is_named(make_files: Make) -> None:
    folder = make_files("cat/1.png", "dog/readme.txt")
    with pytest.raises(DatasetError, match="class folder 'dog' holds no image"):
        open_dataset(folder)


def test_empty_and_absent_folders_are_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="is empty"):
        open_dataset(tmp_path)
    with pytest.raises(DatasetError, match="does not exist"):
        open_dataset(tmp_path / "nowhere")


def test_pipe_among_the_images_is_never_opened(make_files: Make) -> None:
    import os

    folder = make_files("cat/1.png", "dog/2.png")
    os.mkfifo(folder / "dog" / "3.png")
    assert len(open_dataset(folder).cases) == 2
