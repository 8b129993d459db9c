"""Splits that somebody wrote down: ``splits.json`` of ours, of others, and nnU-Net's folds."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from napari_medclf.atomic import atomic_write
from napari_medclf.domain.dataset import Case, Dataset, Split
from napari_medclf.domain.errors import DatasetError, unknown_choice
from napari_medclf.store.files import stem

SPLIT_FILES = ("splits.json", "split.json", "splits_final.json")

_HASH = "splits_sha256"
_WORDS = {
    "train": Split.TRAIN,
    "training": Split.TRAIN,
    "tr": Split.TRAIN,
    "val": Split.VAL,
    "valid": Split.VAL,
    "validation": Split.VAL,
    "dev": Split.VAL,
    "test": Split.TEST,
    "testing": Split.TEST,
    "ts": Split.TEST,
}


def split_named(word: str) -> Split | None:
    """Understand what people call a split; None when it is no such word.

    >>> split_named("Validation")
    <Split.VAL: 'val'>
    """
    return _WORDS.get(word.strip().casefold())


def read_split_file(path: Path) -> dict[str, Split]:
    """Read which case belongs to which split: case name (without suffix) to split.

    Understood: ``{"train": [...], "val": [...], "test": [...]}``, the same below ``"split"``, and
    nnU-Net's list of folds, of which the first is taken.

    Raises
    ------
    DatasetError
        If it is not JSON, not in such a form, names a case twice, or was changed after it was frozen.
    """
    content = read_json(path)
    if isinstance(content, list) and content:
        content = content[0]
    if isinstance(content, dict) and isinstance(content.get("split"), dict):
        content = content["split"]
    if not isinstance(content, dict):
        raise DatasetError(f'{path}: expected {{"train": [...], "val": [...], "test": [...]}}.')
    _check_frozen(path, content)
    splits: dict[str, Split] = {}
    for word, names in content.items():
        split = split_named(str(word))
        if split is None or not isinstance(names, list):
            continue
        for name in (case_key(str(one)) for one in names):
            if splits.setdefault(name, split) is not split:
                raise DatasetError(f"{path}: {name!r} stands in {splits[name]} and in {split}; it may stand in one.")
    if not splits:
        raise DatasetError(f'{path}: names no case under "train", "val" or "test".')
    return splits


def find_split_file(folder: Path) -> Path | None:
    """Return the folder's split file, if it has one."""
    return next((folder / name for name in SPLIT_FILES if (folder / name).is_file()), None)


def write_split_file(dataset: Dataset, path: Path, notes: Mapping[str, str] | None = None) -> None:
    """Freeze the splits of a dataset with their hash, so that another run uses the very same.

    Parameters
    ----------
    notes : dict or None
        What else to write beside them, such as how they were made.
    """
    content = {
        "schema_version": 1,
        _HASH: splits_sha256(dataset),
        **(notes or {}),
        **{split.value: [case.case_id for case in dataset.in_split(split)] for split in Split},
    }
    atomic_write(path, json.dumps(content, indent=1) + "\n")


def splits_sha256(dataset: Dataset) -> str:
    """Identify who is in which split, whatever the order of the cases."""
    return _hash({split.value: [case.case_id for case in dataset.in_split(split)] for split in Split})


def _hash(content: Mapping[str, Sequence[str]]) -> str:
    in_order = {split.value: sorted(content.get(split.value, ())) for split in Split}
    return hashlib.sha256(json.dumps(in_order, separators=(",", ":")).encode()).hexdigest()


def _check_frozen(path: Path, content: Mapping[str, Any]) -> None:
    told = content.get(_HASH)
    if told is not None and told != _hash(content):
        raise DatasetError(
            f"{path}: was changed after it was frozen; its {_HASH} is that of other splits. Take the original, or make "
            "new splits with `medclf dataset split`."
        )


def apply_splits(dataset: Dataset, splits: Mapping[str, Split]) -> Dataset:
    """Replace every case's split by the written one; a case that is not named gets none.

    Raises
    ------
    DatasetError
        If not one case is named, or a patient comes into two splits.
    """
    cases, warnings = mark_splits(dataset.cases, splits)
    if not any(case.split for case in cases):
        raise DatasetError(f"{dataset.path}: the split names other cases, such as {next(iter(splits), '')!r}.")
    return replace(dataset, cases=cases, warnings=(*dataset.warnings, *warnings))


def mark_splits(cases: Iterable[Case], splits: Mapping[str, Split]) -> tuple[tuple[Case, ...], tuple[str, ...]]:
    """Give cases the written splits; returns them and what does not match, as sentences."""
    marked = tuple(replace(case, split=splits.get(case.case_id)) for case in cases)
    unnamed = [case.case_id for case in marked if case.split is None]
    absent = sorted(set(splits) - {case.case_id for case in marked})
    warnings = []
    if unnamed:
        warnings.append(f"{len(unnamed)} cases stand in no split and are not used, such as {unnamed[0]!r}.")
    if absent:
        warnings.append(f"The split file names {len(absent)} cases that are not here, such as {absent[0]!r}.")
    return marked, tuple(warnings)


def case_key(name: str) -> str:
    """Strip folder and image suffix from a case as split files and tables name it."""
    return stem(Path(PurePosixPath(name.replace("\\", "/")).name))


def split_or_refuse(word: str, where: str) -> Split | None:
    """Understand a table's cell; empty means no split.

    Raises
    ------
    DatasetError
        If the word is not a split, with the nearest one.
    """
    if not word.strip():
        return None
    split = split_named(word)
    if split is None:
        raise DatasetError(f"{where}: {unknown_choice('split', word, [one.value for one in Split])}")
    return split


def read_json(path: Path) -> object:
    """Read a JSON file.

    Raises
    ------
    DatasetError
        If it cannot be read or is not JSON, naming the line.
    """
    try:
        content: object = json.loads(path.read_text(encoding="utf-8-sig"))
    except json.JSONDecodeError as error:
        raise DatasetError(f"{path}: is not JSON ({error.msg} in line {error.lineno}).") from error
    except UnicodeDecodeError as error:
        raise DatasetError(f"{path}: is not UTF-8 text.") from error
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read ({error.strerror}).") from error
    return content
