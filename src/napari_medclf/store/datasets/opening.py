"""Find out what kind of dataset a path is, and open it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from napari_medclf.domain.card import Task
from napari_medclf.domain.dataset import Dataset, Split
from napari_medclf.domain.errors import DatasetError
from napari_medclf.store.datasets.bids import is_bids, read_bids
from napari_medclf.store.datasets.box_folders import find_boxes, read_box_folders
from napari_medclf.store.datasets.class_folders import read_class_folders
from napari_medclf.store.datasets.image_label_folders import find_pair, read_image_label_folders, refuse_half
from napari_medclf.store.datasets.medmnist import read_medmnist_dataset
from napari_medclf.store.datasets.options import Hints
from napari_medclf.store.datasets.paired_files import find_masks, read_paired_files
from napari_medclf.store.datasets.split_files import find_split_file, read_split_file
from napari_medclf.store.datasets.table_dataset import read_table_dataset
from napari_medclf.store.files import folders_in, images_in
from napari_medclf.store.project import Project

_TABLES = ("labels.csv", "labels.tsv", "dataset.csv", "dataset.tsv", "index.csv", "index.tsv")
_TABLE_SUFFIXES = {".csv", ".tsv"}


def open_dataset(path: Path, task: Task | None = None, hints: Hints | None = None) -> Dataset:
    """Open a dataset in any layout we know.

    A folder with one sub-folder a class (with or without train/val/test above); a CSV/TSV with
    ``path,label[,group,split]``, several 0/1 columns or a mask column; a MedMNIST ``.npz``; MSD and
    nnU-Net folders; ``images/`` beside ``labels/``; BIDS with derivatives; images with masks beside
    them (CHASE_DB1); images with boxes (Pascal VOC, or files of ours); a project of ours.

    Parameters
    ----------
    path : Path
        File or folder.
    task : Task or None
        What to learn; None takes what the layout suggests. Overrules `hints.task`.
    hints : Hints or None
        What the files do not tell.

    Raises
    ------
    DatasetError
        As one sentence: what is wrong with which file, and what was expected.
    """
    hints = hints or Hints()
    if task is not None:
        hints = replace(hints, task=task)
    dataset = _read(path, hints)
    if not dataset.cases:
        raise DatasetError(f"{path}: holds no case.")
    if hints.task is not None and not _teaches(dataset, hints.task):
        raise DatasetError(
            f"{path}: holds {_what(dataset.task)}, which the task {hints.task.value!r} cannot learn from."
        )
    return dataset


def _read(path: Path, hints: Hints) -> Dataset:
    if path.is_dir():
        return _read_folder(path, hints)
    if not path.exists():
        raise DatasetError(f"{path}: does not exist.")
    if not path.is_file():
        raise DatasetError(f"{path}: is no regular file.")
    if path.suffix.lower() == ".npz":
        return read_medmnist_dataset(path)
    if path.suffix.lower() in _TABLE_SUFFIXES:
        return read_table_dataset(path, hints)
    raise DatasetError(
        f"{path}: is no dataset. Expected a folder, a CSV/TSV with the columns path and label, or a MedMNIST .npz."
    )


def _read_folder(folder: Path, hints: Hints) -> Dataset:
    try:
        if not any(folder.iterdir()):
            raise DatasetError(f"{folder}: is empty.")
    except OSError as error:
        raise DatasetError(f"{folder}: cannot be listed ({error.strerror}).") from error
    if Project.is_project(folder):
        return _with_frozen_splits(folder, Project.open(folder).dataset())
    boxes = find_boxes(folder)
    if boxes is not None and hints.task is Task.DETECT:
        return read_box_folders(folder, *boxes, hints)
    pair = find_pair(folder)
    if pair is not None and (boxes is None or images_in(pair[1])):
        return read_image_label_folders(folder, *pair, hints)
    if is_bids(folder):
        return read_bids(folder, hints)
    table = _find_table(folder)
    if table is not None:
        return read_table_dataset(table, hints)
    if boxes is not None:
        return read_box_folders(folder, *boxes, hints)
    refuse_half(folder)
    if find_masks(folder):
        return read_paired_files(folder, hints)
    if images_in(folder) and not folders_in(folder):
        raise DatasetError(
            f"{folder}: has images but nothing that says what they show. Put them into one sub-folder a class, add a "
            "labels.csv with the columns path and label, or put masks beside them (image_01.png, image_01_mask.png)."
        )
    return read_class_folders(folder, hints)


def _with_frozen_splits(folder: Path, dataset: Dataset) -> Dataset:
    """Give cases the splits of the project's ``splits.json``; a later one follows its patient, or is learned from."""
    path = find_split_file(folder)
    if path is None:
        return dataset
    written = read_split_file(path)
    of_group = {case.group_id: written[case.case_id] for case in dataset.cases if case.case_id in written}
    cases = (
        replace(case, split=written.get(case.case_id, of_group.get(case.group_id, Split.TRAIN)))
        for case in dataset.cases
    )
    return replace(dataset, cases=tuple(cases))


def _find_table(folder: Path) -> Path | None:
    named = next((folder / name for name in _TABLES if (folder / name).is_file()), None)
    if named is not None:
        return named
    tables = [path for path in folder.iterdir() if path.suffix.lower() in _TABLE_SUFFIXES and path.is_file()]
    return tables[0] if len(tables) == 1 else None


_KINDS = {Task.CLASSIFY: "classes of whole images", Task.REGRESS: "numbers", Task.DETECT: "boxes"}


def _what(task: Task) -> str:
    return _KINDS.get(task, "label images")


def _teaches(dataset: Dataset, task: Task) -> bool:
    """Tell whether a task can be learned from such data; objects in label images have boxes, too."""
    has_labels = all(case.label_map is not None for case in dataset.cases)
    return _what(dataset.task) == _what(task) or (task is Task.DETECT and has_labels)
