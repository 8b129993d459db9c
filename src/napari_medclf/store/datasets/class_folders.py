"""One sub-folder a class, with or without train/val/test above."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from napari_medclf.domain.card import Task
from napari_medclf.domain.dataset import Case, Dataset, FileRef, Split
from napari_medclf.domain.errors import DatasetError
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.store.datasets.options import Hints
from napari_medclf.store.datasets.split_files import split_named
from napari_medclf.store.files import folders_in, group_of, image_suffix, images_in, stem, unique_names

_DICOM_SUFFIXES = {"", ".dcm", ".dicom"}


@dataclass(frozen=True)
class _Found:
    """An image below a class folder."""

    name: str
    group: str
    ref: FileRef
    class_name: str
    split: Split | None


def read_class_folders(folder: Path, hints: Hints) -> Dataset:
    """Read ``class/image``, ``split/class/image``, with a folder a patient or a DICOM series below.

    A sub-folder of a class that holds only DICOM files is one case; a sub-folder with other images
    is a patient, whose images stay in one split.

    Raises
    ------
    DatasetError
        If there are fewer than two classes, or a class has no image.
    """
    roots = _split_roots(folder)
    found = [one for root, split in roots for one in _walk(root, split)]
    counts = {one.name: 0 for root, _ in roots for one in folders_in(root)}
    for one in found:
        counts[one.class_name] += 1
    names = sorted(counts, key=str.casefold)
    _check_classes(folder, names, counts)
    case_ids = unique_names(_case_name(one, with_split=roots[0][1] is not None) for one in found)
    return Dataset(
        name=folder.resolve().name,
        task=Task.CLASSIFY,
        schema=LabelSchema.from_names(names),
        cases=tuple(
            Case(
                case_id=case_id,
                group_id=one.group or (group_of(one.name, hints.group_pattern) if hints.group_pattern else case_id),
                images={"image": one.ref},
                classes=(one.class_name,),
                split=one.split,
            )
            for case_id, one in zip(case_ids, found, strict=True)
        ),
        path=folder,
    )


def _split_roots(folder: Path) -> list[tuple[Path, Split | None]]:
    """The folders that hold class folders, each with its split."""
    inside = folders_in(folder)
    splits = [(one, split_named(one.name)) for one in inside]
    if inside and all(split is not None for _, split in splits):
        return list(splits)
    return [(folder, None)]


def _walk(root: Path, split: Split | None) -> Iterator[_Found]:
    for class_folder in folders_in(root):
        for path in images_in(class_folder):
            yield _Found(stem(path), "", FileRef(path), class_folder.name, split)
        for inner in folders_in(class_folder):
            yield from _walk_inner(inner, class_folder.name, split)


def _walk_inner(inner: Path, class_name: str, split: Split | None) -> Iterator[_Found]:
    files = [path for path in inner.iterdir() if path.is_file() and not path.name.startswith(".")]
    if files and all(image_suffix(path.name) in _DICOM_SUFFIXES and _may_be_dicom(path) for path in files):
        yield _Found(inner.name, inner.name, FileRef(inner), class_name, split)
        return
    for path in images_in(inner):
        yield _Found(f"{inner.name}-{stem(path)}", inner.name, FileRef(path), class_name, split)
    for deeper in folders_in(inner):  # a patient's series
        yield _Found(f"{inner.name}-{deeper.name}", inner.name, FileRef(deeper), class_name, split)


def _may_be_dicom(path: Path) -> bool:
    return bool(image_suffix(path.name)) or path.suffix in {"", ".IMA", ".ima"} or path.stem.replace(".", "").isdigit()


def _check_classes(folder: Path, names: list[str], counts: dict[str, int]) -> None:
    if len(names) < 2:
        found = f"only {names[0]!r}" if names else "none"
        raise DatasetError(
            f"{folder}: expected one sub-folder a class, at least two; found {found}. Known layouts: sub-folders by "
            "class, a CSV with path and label, a MedMNIST .npz, images/ + labels/, imagesTr/ + labelsTr/."
        )
    empty = [name for name in names if counts[name] == 0]
    if empty:
        raise DatasetError(
            f"{folder}: the class folder{'s' if len(empty) > 1 else ''} {', '.join(map(repr, empty[:5]))} "
            f"hold{'' if len(empty) > 1 else 's'} no image."
        )


def _case_name(one: _Found, *, with_split: bool) -> str:
    prefix = f"{one.split}-" if with_split and one.split else ""
    return f"{prefix}{one.class_name}-{one.name}"
