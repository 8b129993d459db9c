"""Images with a file of boxes each: Pascal VOC's folders, ``images/`` beside ``boxes/``, or XML beside the images."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from napari_medclf.domain.card import Task
from napari_medclf.domain.dataset import Case, Dataset, FileRef, Split
from napari_medclf.domain.errors import DatasetError
from napari_medclf.store.datasets.box_files import BOX_SUFFIXES, box_schema
from napari_medclf.store.datasets.image_label_folders import pick_splits
from napari_medclf.store.datasets.index_table import add_index
from napari_medclf.store.datasets.options import Hints
from napari_medclf.store.datasets.split_files import SPLIT_FILES, case_key, split_named
from napari_medclf.store.files import group_of, images_in, natural_key, stem, unique_names

_IMAGE_FOLDERS = ("JPEGImages", "images", "image", "img", "imagesTr")
_BOX_FOLDERS = ("Annotations", "annotations", "boxes", "boxesTr", "labels")
_VOC_SPLITS = Path("ImageSets") / "Main"


def find_boxes(folder: Path) -> tuple[Path, Path] | None:
    """Return the folders of images and of boxes, if this layout is there."""
    images = next((folder / name for name in _IMAGE_FOLDERS if (folder / name).is_dir()), folder)
    names = {stem(path) for path in images_in(images)}
    places = (*(folder / name for name in _BOX_FOLDERS), images)
    found = (place for place in places if any(path.stem in names for path in _box_files(place)))
    boxes = next(found, None)
    return None if boxes is None else (images, boxes)


def read_box_folders(folder: Path, images: Path, boxes: Path, hints: Hints) -> Dataset:
    """Pair images with files of boxes by name; an image without a file is left out and told.

    ``ImageSets/Main/{train,val,test}.txt`` (VOC) or ``splits.json`` give the splits.

    Raises
    ------
    DatasetError
        If nothing pairs, or a file of boxes is not understood.
    """
    file_of = {path.stem: path for path in _box_files(boxes)}
    found = [path for path in images_in(images) if stem(path) in file_of]
    if not found:
        raise DatasetError(f"{folder}: no image in {images.name}/ has boxes of the same name in {boxes.name}/.")
    ids = unique_names(stem(path) for path in found)
    cases = tuple(
        Case(
            case_id=case_id,
            group_id=group_of(stem(path), hints.group_pattern) if hints.group_pattern else case_id,
            images={"image": FileRef(path)},
            boxes=FileRef(file_of[stem(path)]),
        )
        for case_id, path in zip(ids, found, strict=True)
    )
    cases, warnings = pick_splits(folder, _with_voc_splits(folder, cases))
    return Dataset(
        name=folder.resolve().name,
        task=Task.DETECT,
        schema=box_schema(folder, [case.boxes.path for case in cases if case.boxes is not None]),
        cases=add_index(folder, cases),
        path=folder,
        warnings=(*_left_out(images, boxes, file_of), *warnings),
    )


def _box_files(folder: Path) -> tuple[Path, ...]:
    if not folder.is_dir():
        return ()
    files = (path for path in folder.iterdir() if path.suffix.lower() in BOX_SUFFIXES and path.is_file())
    return tuple(sorted((path for path in files if path.name not in SPLIT_FILES), key=natural_key))


def _with_voc_splits(folder: Path, cases: tuple[Case, ...]) -> tuple[Case, ...]:
    split_of = dict(_voc_splits(folder / _VOC_SPLITS))
    return tuple(replace(case, split=split_of.get(case.case_id)) for case in cases) if split_of else cases


def _voc_splits(folder: Path) -> Iterator[tuple[str, Split]]:
    for path in sorted(folder.glob("*.txt")):
        split = split_named(path.stem)
        for line in path.read_text(encoding="utf-8").splitlines() if split else ():
            if line.split() and split is not None:
                yield case_key(line.split()[0]), split


def _left_out(images: Path, boxes: Path, file_of: dict[str, Path]) -> Iterator[str]:
    names = {stem(path) for path in images_in(images)}
    without = sorted(names - set(file_of))
    orphans = sorted(set(file_of) - names)
    if without:
        yield f"{len(without)} images have no boxes in {boxes.name}/ and are left out, such as {without[0]!r}."
    if orphans:
        yield f"{len(orphans)} files of boxes have no image and are left out, such as {orphans[0]!r}."
