"""Images beside labels: pairing, declared classes, written splits, channels."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from napari_medclf.domain.card import Task
from napari_medclf.domain.dataset import FileRef, Split
from napari_medclf.domain.errors import DatasetError
from napari_medclf.store.datasets import Hints, open_dataset

Make = Callable[..., Path]
LIVER = Hints(class_names=("liver",))


def _write(folder: Path, name: str, content: object) -> None:
    (folder / name).write_text(json.dumps(content))


def test_images_and_labels_pair_by_name_and_the_rest_is_told(make_files: Make) -> None:
    folder = make_files("images/a.png", "images/b.png", "labels/a_mask.png", "labels/c.png")
    dataset = open_dataset(folder, hints=LIVER)
    assert [case.case_id for case in dataset.cases] == ["a"]
    assert "1 images in images/ have no label and are left out: b." in dataset.warnings
    assert "1 labels in labels/ have no image and are left out: c." in dataset.warnings


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        (["images/a.png"], "has images in images/ but no labels"),
        (["labels/a.png"], "has labels in labels/ but no images"),
        (["images/a.png", "labels/b.png"], "no image in images/ has a label of the same name in labels/"),
        (["images/a.png", "images/a.tif", "labels/a.png"], "a.png and a.tif are the same case"),
        (["images/a.png", "labels/a.png", "labels/a_seg.png"], "both label the case 'a'"),
    ],
)
def test_half_a_dataset_is_one_sentence(make_files: Make, names: list[str], sentence: str) -> None:
    with pytest.raises(DatasetError, match=sentence):
        open_dataset(make_files(*names), hints=LIVER)


@pytest.mark.parametrize(
    "labels",
    [{"0": "background", "1": "liver", "3": "tumour"}, {"background": 0, "liver": 1, "tumour": 3}],
    ids=["MSD", "nnU-Net"],
)
def test_dataset_json_names_the_classes(make_files: Make, labels: object) -> None:
    folder = make_files("imagesTr/a.nii.gz", "labelsTr/a.nii.gz")
    _write(folder, "dataset.json", {"name": "Livers", "labels": labels})
    dataset = open_dataset(folder)
    assert dataset.name == "Livers"
    assert list(dataset.schema.iter_named_values()) == [("liver", 1), ("tumour", 3)]


def test_channel_files_are_one_case_with_named_roles(make_files: Make) -> None:
    folder = make_files("imagesTr/a_0000.nii.gz", "imagesTr/a_0001.nii.gz", "labelsTr/a.nii.gz")
    _write(folder, "dataset.json", {"channel_names": {"0": "T1", "1": "FLAIR"}, "labels": {"background": 0, "x": 1}})
    (case,) = open_dataset(folder).cases
    assert {role: ref.path.name for role, ref in case.images.items()} == {
        "T1": "a_0000.nii.gz",
        "FLAIR": "a_0001.nii.gz",
    }


def test_labelled_test_folder_is_the_test_split(make_files: Make) -> None:
    folder = make_files("imagesTr/a.nii.gz", "labelsTr/a.nii.gz", "imagesTs/z.nii.gz", "labelsTs/z.nii.gz")
    dataset = open_dataset(folder, hints=LIVER)
    assert [case.case_id for case in dataset.in_split(Split.TEST)] == ["z"]


def test_first_fold_of_nnunet_is_the_split(make_files: Make) -> None:
    folder = make_files("imagesTr/a.nii.gz", "imagesTr/b.nii.gz", "labelsTr/a.nii.gz", "labelsTr/b.nii.gz")
    _write(folder, "splits_final.json", [{"train": ["a"], "val": ["b"]}, {"train": ["b"], "val": ["a"]}])
    dataset = open_dataset(folder, hints=LIVER)
    assert [case.split for case in dataset.cases] == [Split.TRAIN, Split.VAL]


def test_case_in_two_written_splits_is_refused(make_files: Make) -> None:
    folder = make_files("images/a.png", "labels/a.png")
    _write(folder, "splits.json", {"train": ["a.png"], "test": ["a"]})
    with pytest.raises(DatasetError, match="'a' stands in train and in test"):
        open_dataset(folder, hints=LIVER)


def test_index_gives_groups_and_strata(make_files: Make) -> None:
    folder = make_files("images/a.png", "images/b.png", "labels/a.png", "labels/b.png")
    (folder / "index.csv").write_text("file,patient,site\na.png,p1,north\nb.png,p1,south\n")
    dataset = open_dataset(folder, hints=LIVER)
    assert [(case.group_id, case.stratum) for case in dataset.cases] == [("p1", "north"), ("p1", "south")]


def test_unnamed_classes_are_asked_for(make_files: Make) -> None:
    with pytest.raises(DatasetError, match="nothing says which classes"):
        open_dataset(make_files("images/a.png", "labels/a.png"))


@pytest.mark.parametrize(
    ("seen", "task", "names", "mapping"),
    [
        ([{0, 255}, {0}], Task.SEGMENT, ("foreground",), {255: 1}),
        ([{0, 1, 2}, {0, 2}], Task.SEGMENT, ("label 1", "label 2"), {}),
        ([{0, 2, 5}, {0, 2}], Task.SEGMENT, ("label 2", "label 5"), {2: 1, 5: 2}),
        ([set(range(13)), set(range(31))], Task.INSTANCES, ("object",), {}),
        ([set(range(13)), set(range(13))], Task.SEGMENT, tuple(f"label {n}" for n in range(1, 13)), {}),
    ],
)
def test_classes_are_seen_in_the_files(
    make_files: Make, seen: list[set[int]], task: Task, names: tuple[str, ...], mapping: dict[int, int]
) -> None:
    folder = make_files("images/a.png", "images/b.png", "labels/a.png", "labels/b.png")
    values = dict(zip(("a.png", "b.png"), seen, strict=True))

    def look(ref: FileRef) -> set[int]:
        return values[ref.path.name]

    dataset = open_dataset(folder, hints=Hints(label_values=look))
    assert (dataset.task, dataset.schema.names, dict(dataset.label_to_value)) == (task, names, mapping)


def test_empty_labels_are_refused(make_files: Make) -> None:
    folder = make_files("images/a.png", "labels/a.png")
    with pytest.raises(DatasetError, match="hold only 0"):
        open_dataset(folder, hints=Hints(label_values=lambda ref: {0}))


def test_masks_beside_their_images_pair(make_files: Make) -> None:
    dataset = open_dataset(make_files("x1.png", "x1_mask.png", "x2.png", "x2_mask.png", "x3.png"), hints=LIVER)
    assert [case.case_id for case in dataset.cases] == ["x1", "x2"]
    assert dataset.warnings == ("1 images have no mask and are left out.",)


def test_second_observer_is_not_a_second_case(make_files: Make) -> None:
    dataset = open_dataset(make_files("a.jpg", "a_2ndHO.png", "a_1stHO.png"), hints=LIVER)
    (case,) = dataset.cases
    assert case.label_map is not None
    assert case.label_map.path.name == "a_1stHO.png"
    assert not dataset.warnings


@pytest.mark.parametrize(
    ("names", "seen", "mapping"),
    [(("vessel",), {0, 255}, {255: 1}), (("a", "b", "c"), {0, 1, 3}, {}), (("a", "b"), {0, 4, 7}, {4: 1, 7: 2})],
)
def test_given_names_fit_the_values(
    make_files: Make, names: tuple[str, ...], seen: set[int], mapping: dict[int, int]
) -> None:
    folder = make_files("images/a.png", "labels/a.png")
    dataset = open_dataset(folder, hints=Hints(class_names=names, label_values=lambda ref: seen))
    assert (dataset.schema.names, dict(dataset.label_to_value)) == (names, mapping)


def test_names_that_do_not_fit_the_values_are_refused(make_files: Make) -> None:
    folder = make_files("images/a.png", "labels/a.png")
    with pytest.raises(DatasetError, match=r"hold the values \[1, 2\], for which 1 class names"):
        open_dataset(folder, hints=Hints(class_names=("x",), label_values=lambda ref: {0, 1, 2}))
