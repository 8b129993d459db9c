"""BIDS: ``sub-01/anat/sub-01_T1w.nii.gz`` with label images below ``derivatives/``."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from napari_medclf.domain.dataset import Case, Dataset, FileRef, Lack, LeftOut
from napari_medclf.domain.errors import DatasetError
from napari_medclf.store.datasets.classes import explain_labels
from napari_medclf.store.datasets.image_label_folders import pick_splits, read_declared
from napari_medclf.store.datasets.index_table import add_participants
from napari_medclf.store.datasets.options import Hints
from napari_medclf.store.files import is_image, natural_key, stem, unique_names

_DERIVATIVES = "derivatives"


def is_bids(folder: Path) -> bool:
    """Tell whether a folder has subjects, and derivatives beside them."""
    return (folder / _DERIVATIVES).is_dir() and any(path.is_dir() for path in folder.glob("sub-*"))


def read_bids(folder: Path, hints: Hints) -> Dataset:
    """Pair every label image below ``derivatives/`` with the image of its subject; a subject is a group.

    A label belongs to the image whose name it begins with (``sub-01_ct`` and
    ``sub-01_ct_seg-manual``), or to the only image of its subject and session. Of ``participants.tsv``
    the columns that cannot name a person become facts.

    Raises
    ------
    DatasetError
        If no label fits an image, two labels fit one, or the classes are unknown.
    """
    images = [path for subject in sorted(folder.glob("sub-*"), key=natural_key) for path in _images_below(subject)]
    labels = _images_below(folder / _DERIVATIVES)
    label_of = _match(folder, images, labels)
    if not label_of:
        raise DatasetError(f"{folder}: no label image below {_DERIVATIVES}/ fits one of the {len(images)} images.")
    paired = [path for path in images if path in label_of]
    cases = tuple(
        Case(
            case_id=case_id,
            group_id=_subject(path),
            images={"image": FileRef(path)},
            label_map=FileRef(label_of[path]),
        )
        for case_id, path in zip(unique_names(stem(path) for path in paired), paired, strict=True)
    )
    cases, warnings = pick_splits(folder, add_participants(folder, cases))
    declared = read_declared(folder)
    meaning = explain_labels(folder, [FileRef(path) for path in label_of.values()], hints, declared=declared.schema)
    left_out = tuple(LeftOut(stem(path), FileRef(path), Lack.NO_LABEL) for path in images if path not in label_of)
    told = (f"{len(left_out)} images have no label below {_DERIVATIVES}/ and are left out.",) if left_out else ()
    return Dataset(
        name=declared.name or folder.resolve().name,
        task=meaning.task,
        schema=meaning.schema,
        cases=cases,
        path=folder,
        label_to_value=meaning.label_to_value,
        warnings=(*told, *warnings, *meaning.warnings),
        left_out=left_out,
    )


def _images_below(folder: Path) -> list[Path]:
    return sorted((path for path in folder.rglob("sub-*") if is_image(path)), key=natural_key)


def _match(folder: Path, images: list[Path], labels: list[Path]) -> dict[Path, Path]:
    alone: dict[str, list[Path]] = defaultdict(list)
    for path in images:
        alone[_session(path)].append(path)
    label_of: dict[Path, Path] = {}
    for label in labels:
        named = [path for path in images if stem(label).startswith(f"{stem(path)}_")]
        fitting = named or (alone[_session(label)] if len(alone[_session(label)]) == 1 else [])
        if not fitting:
            continue
        image = max(fitting, key=lambda path: len(stem(path)))
        if image in label_of:
            raise DatasetError(
                f"{folder}: {label_of[image].name} and {label.name} both label {image.name}; keep one of them."
            )
        label_of[image] = label
    return label_of


def _subject(path: Path) -> str:
    return stem(path).partition("_")[0]


def _session(path: Path) -> str:
    """Subject and session, which BIDS writes first in every file name."""
    parts = stem(path).split("_")
    return "_".join(part for part in parts if part.startswith(("sub-", "ses-")))
