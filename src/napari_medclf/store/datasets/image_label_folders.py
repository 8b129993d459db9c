"""``images/`` beside ``labels/`` (or ``masks/``), MSD and nnU-Net's ``imagesTr`` beside ``labelsTr``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from napari_medclf.domain.dataset import Case, Dataset, FileRef, Lack, LeftOut, Split
from napari_medclf.domain.errors import DatasetError
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.store.datasets.classes import declared_classes, explain_labels
from napari_medclf.store.datasets.index_table import add_index
from napari_medclf.store.datasets.options import Hints
from napari_medclf.store.datasets.split_files import find_split_file, mark_splits, read_json, read_split_file
from napari_medclf.store.files import group_of, images_in, natural_key, stem, unique_names

_PAIRS = (
    ("imagesTr", "labelsTr", None),
    ("images", "labels", None),
    ("images", "masks", None),
    ("images", "segmentations", None),
    ("image", "label", None),
    ("image", "mask", None),
)
_TEST_PAIR = ("imagesTs", "labelsTs")
_LABEL_ENDINGS = re.compile(r"[_-](labels?|masks?|seg|segmentation|gt)$", re.IGNORECASE)
_CHANNEL_ENDING = re.compile(r"_(\d{4})$")
_MAX_NAMED = 3


@dataclass(frozen=True)
class Declared:
    """What a dataset.json (or a splits.json with labels) says."""

    schema: LabelSchema | None = None
    channels: tuple[str, ...] = ()
    name: str = ""


def find_pair(folder: Path) -> tuple[Path, Path] | None:
    """Return the folders of images and of labels, if this layout is there.

    Raises
    ------
    DatasetError
        If one of them is there without the other, and nothing else explains it.
    """
    for images, labels, _ in _PAIRS:
        if (folder / images).is_dir() and (folder / labels).is_dir():
            return folder / images, folder / labels
    return None


def read_image_label_folders(folder: Path, images: Path, labels: Path, hints: Hints) -> Dataset:
    """Pair images with labels by name.

    A ``dataset.json`` names classes and channels, ``splits.json`` the splits, ``index.csv`` groups,
    splits and strata. Images without label and labels without image are left out and told.

    Raises
    ------
    DatasetError
        If nothing pairs, the classes are unknown, or a patient stands in two splits.
    """
    declared = read_declared(folder)
    cases, left_out = _pair(images, labels, declared.channels, hints)
    test_images, test_labels = (folder / name for name in _TEST_PAIR)
    if images.name == "imagesTr" and test_images.is_dir() and test_labels.is_dir():
        test_cases, more_left = _pair(test_images, test_labels, declared.channels, hints)
        cases = (*cases, *(replace(case, split=Split.TEST) for case in test_cases))
        left_out = (*left_out, *more_left)
    if not cases:
        raise DatasetError(f"{folder}: no image in {images.name}/ has a label of the same name in {labels.name}/.")
    cases, more = pick_splits(folder, cases)
    cases = add_index(folder, cases)
    refs = [case.label_map for case in cases if case.label_map is not None]
    meaning = explain_labels(folder, refs, hints, declared=declared.schema)
    return Dataset(
        name=declared.name or folder.resolve().name,
        task=meaning.task,
        schema=meaning.schema,
        cases=cases,
        path=folder,
        label_to_value=meaning.label_to_value,
        warnings=(*_tell(left_out), *more, *meaning.warnings),
        left_out=left_out,
    )


def refuse_half(folder: Path) -> None:
    """Say which half is missing where only images or only labels are there.

    Raises
    ------
    DatasetError
        If so.
    """
    for images, labels, _ in _PAIRS[:2]:
        has_images, has_labels = (folder / images).is_dir(), (folder / labels).is_dir()
        if has_labels and not has_images:
            raise DatasetError(
                f"{folder}: has labels in {labels}/ but no images; put the images into {images}/ under the same names."
            )
        if has_images and not has_labels:
            raise DatasetError(
                f"{folder}: has images in {images}/ but no labels; put label images of the same names into {labels}/, "
                "or add a table labels.csv with the columns path and label."
            )


def _pair(
    images: Path, labels: Path, channels: tuple[str, ...], hints: Hints
) -> tuple[tuple[Case, ...], tuple[LeftOut, ...]]:
    by_case = _images_by_case(images)
    label_of = _labels_by_case(labels, by_case)
    paired = [name for name in by_case if name in label_of]
    ids = dict(zip(paired, unique_names(paired), strict=True))
    cases = tuple(
        Case(
            case_id=ids[name],
            group_id=group_of(name, hints.group_pattern) if hints.group_pattern else ids[name],
            images=_roles(by_case[name], channels),
            label_map=FileRef(label_of[name]),
        )
        for name in paired
    )
    unlabelled = (
        LeftOut(name, FileRef(next(iter(files.values()))), Lack.NO_LABEL)
        for name, files in by_case.items()
        if name not in label_of
    )
    orphans = (LeftOut(name, FileRef(path), Lack.NO_IMAGE) for name, path in label_of.items() if name not in by_case)
    return cases, (*unlabelled, *orphans)


def _images_by_case(images: Path) -> dict[str, dict[int, Path]]:
    """Case name to channel number to file; nnU-Net writes the channel as ``_0000``."""
    files = images_in(images)
    are_channels = bool(files) and all(_CHANNEL_ENDING.search(stem(path)) for path in files)
    by_case: dict[str, dict[int, Path]] = {}
    for path in files:
        name, channel = stem(path), 0
        if are_channels:
            name, channel = name[:-5], int(name[-4:])
        if channel in by_case.setdefault(name, {}):
            raise DatasetError(
                f"{images}: {by_case[name][channel].name} and {path.name} are the same case in two formats; keep one."
            )
        by_case[name][channel] = path
    return by_case


def _labels_by_case(labels: Path, by_case: Mapping[str, object]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for path in images_in(labels):
        name = stem(path)
        if name not in by_case:
            name = _LABEL_ENDINGS.sub("", name)
        if name in found:
            raise DatasetError(f"{labels}: {found[name].name} and {path.name} both label the case {name!r}; keep one.")
        found[name] = path
    return found


def _roles(files: Mapping[int, Path], channels: tuple[str, ...]) -> dict[str, FileRef]:
    if len(files) == 1:
        return {"image": FileRef(next(iter(files.values())))}
    return {
        channels[number] if number < len(channels) else f"channel {number}": FileRef(path)
        for number, path in sorted(files.items())
    }


def read_declared(folder: Path) -> Declared:
    """Read classes, channels and name from a folder's dataset.json (or splits.json), if it has one.

    Raises
    ------
    DatasetError
        If it is there and not understood.
    """
    for name in ("dataset.json", "splits.json"):
        path = folder / name
        if not path.is_file():
            continue
        content = read_json(path)
        if isinstance(content, dict) and "labels" in content:
            names = content.get("channel_names") or content.get("modality") or {}
            channels = tuple(str(names[key]) for key in sorted(names, key=str)) if isinstance(names, dict) else ()
            return Declared(declared_classes(content["labels"], path), channels, str(content.get("name", "")))
    return Declared()


def pick_splits(folder: Path, cases: tuple[Case, ...]) -> tuple[tuple[Case, ...], tuple[str, ...]]:
    """Give cases the splits of the folder's split file, if it has one; returns them and warnings.

    Raises
    ------
    DatasetError
        If it names none of the cases.
    """
    path = find_split_file(folder)
    if path is None:
        return cases, ()
    marked, warnings = mark_splits(cases, read_split_file(path))
    if not any(case.split for case in marked):
        raise DatasetError(f"{path}: names none of the {len(cases)} cases that are here, such as {cases[0].case_id!r}.")
    merged = tuple(replace(case, split=before.split or case.split) for case, before in zip(marked, cases, strict=True))
    return merged, warnings


def _tell(left_out: tuple[LeftOut, ...]) -> Iterator[str]:
    for lack, what in ((Lack.NO_LABEL, "images in {}/ have no label"), (Lack.NO_IMAGE, "labels in {}/ have no image")):
        found = [one for one in left_out if one.lack is lack]
        if found:
            names = sorted((one.name for one in found), key=lambda name: natural_key(Path(name)))
            more = " ..." if len(names) > _MAX_NAMED else ""
            where = what.format(found[0].ref.path.parent.name)
            yield f"{len(names)} {where} and are left out: {', '.join(names[:_MAX_NAMED])}{more}."
