"""Images and masks in one folder, told apart by an ending: CHASE_DB1 and the like."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from napari_medclf.domain.dataset import Case, Dataset, FileRef, Lack, LeftOut, Split
from napari_medclf.domain.errors import DatasetError
from napari_medclf.store.datasets.classes import explain_labels
from napari_medclf.store.datasets.options import Hints
from napari_medclf.store.files import group_of, images_in, stem, unique_names

# the first observer's mask is the reference by convention (Fraz et al. 2012)
_OBSERVER = re.compile(r"^(?P<case>.+)_(?P<observer>\d)(?:st|nd|rd|th)HO$")
_MASK = re.compile(r"^(?P<case>.+)[_-](?:mask|seg|segmentation|labels?|gt|manual1)$", re.IGNORECASE)

_CHASE_CASES = frozenset(f"Image_{child:02d}{side}" for child in range(1, 15) for side in "LR")
_CHASE_CHILD = r"^Image_(\d+)[LR]$"
_FIRST_TEST_CHILD = 11  # images 21-28 of the usual split are the eyes of children 11-14


def find_masks(folder: Path) -> dict[str, Path]:
    """Return the mask of every image that has one beside it, by the image's name.

    Of several observers the first is taken.
    """
    files = {stem(path): path for path in images_in(folder)}
    masks: dict[str, tuple[str, Path]] = {}
    for name, path in files.items():
        observed = _OBSERVER.match(name)
        plain = _MASK.match(name)
        if observed and observed["case"] in files:
            rank = observed["observer"]
            masks[observed["case"]] = min(masks.get(observed["case"], (rank, path)), (rank, path))
        elif plain and plain["case"] in files:
            masks[plain["case"]] = ("", path)
    return {name: path for name, (_, path) in masks.items()}


def read_paired_files(folder: Path, hints: Hints) -> Dataset:
    """Read images with masks beside them.

    A complete CHASE_DB1 gets its usual split (first 20 images for training, last 8 for testing) and
    one group a child; both are overruled by `hints.group_pattern`.

    Raises
    ------
    DatasetError
        If the classes are unknown.
    """
    masks = find_masks(folder)
    if not masks:
        raise DatasetError(f"{folder}: no image has a mask beside it, such as image_01.png and image_01_mask.png.")
    is_chase = set(masks) == _CHASE_CASES
    if is_chase:
        hints = replace(
            hints,
            group_pattern=hints.group_pattern or _CHASE_CHILD,
            class_names=hints.class_names or ("vessel",),
        )
    used = set(masks.values())
    others = [path for path in images_in(folder) if stem(path) not in masks and path not in used]
    unlabelled = [path for path in others if not _OBSERVER.match(stem(path))]
    images = {stem(path): path for path in images_in(folder)}
    names = [name for name in images if name in masks]
    cases = tuple(
        Case(
            case_id=case_id,
            group_id=group_of(name, hints.group_pattern) if hints.group_pattern else case_id,
            images={"image": FileRef(images[name])},
            label_map=FileRef(masks[name]),
        )
        for case_id, name in zip(unique_names(names), names, strict=True)
    )
    if is_chase:
        cases = tuple(replace(case, split=_usual_split(case.case_id)) for case in cases)
    meaning = explain_labels(folder, [FileRef(path) for path in masks.values()], hints)
    warnings = (f"{len(unlabelled)} images have no mask and are left out.",) if unlabelled else ()
    return Dataset(
        name=folder.resolve().name,
        task=meaning.task,
        schema=meaning.schema,
        cases=cases,
        path=folder,
        label_to_value=meaning.label_to_value,
        warnings=(*warnings, *meaning.warnings),
        left_out=tuple(LeftOut(stem(path), FileRef(path), Lack.NO_LABEL) for path in unlabelled),
    )


def _usual_split(case_id: str) -> Split:
    return Split.TEST if int(group_of(case_id, _CHASE_CHILD)) >= _FIRST_TEST_CHILD else Split.TRAIN
