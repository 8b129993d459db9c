"""MedMNIST's ``.npz``: labels and shapes without loading the images, duplicates found by digest."""

from __future__ import annotations

import hashlib
import math
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
from numpy.lib import format as npy

from napari_medclf.domain.arrays import LabelArray
from napari_medclf.domain.card import Task
from napari_medclf.domain.dataset import Case, Dataset, FileRef, Lack, LeftOut, Split
from napari_medclf.domain.errors import DatasetError
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.store.datasets.medmnist_classes import class_names

_MAX_LABEL_BYTES = 100_000_000
_MAX_IMAGE_BYTES = 1_000_000_000
_MAX_CLASSES = 10_000
_LABEL_NDIM = 2


@dataclass(frozen=True)
class _Part:
    """One official split: labels (N, n_labels) and a digest for every image."""

    split: Split
    labels: LabelArray
    digests: tuple[str, ...]


def read_medmnist_dataset(path: Path) -> Dataset:
    """Read a MedMNIST file in its official split; members are ``"train/17"``.

    An image that stands in two splits is dropped from the one that is learned from (val keeps it
    against train, test against both). Equal images of one split share a group.

    Raises
    ------
    DatasetError
        If it is not such a file, or damaged.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            parts = tuple(_read_part(path, archive, split) for split in Split)
    except zipfile.BadZipFile as error:
        raise DatasetError(f"{path}: is not an .npz file, or it is cut short.") from error
    except (ValueError, EOFError, OSError) as error:
        raise DatasetError(f"{path}: is damaged ({error}).") from error
    is_exclusive = parts[0].labels.shape[1] == 1
    schema = LabelSchema.from_names(class_names(path.stem, _n_classes(parts, is_exclusive=is_exclusive)))
    kept, warnings = _drop_shared(parts)
    left_out = tuple(_left_out(path, parts, kept))
    return Dataset(
        name=path.stem,
        task=Task.CLASSIFY,
        schema=schema,
        cases=tuple(_cases(path, parts, kept, schema, is_exclusive=is_exclusive)),
        path=path,
        warnings=warnings,
        is_exclusive=is_exclusive,
        left_out=left_out,
    )


def _read_part(path: Path, archive: zipfile.ZipFile, split: Split) -> _Part:
    for what in ("images", "labels"):
        if f"{split}_{what}.npy" not in archive.namelist():
            raise DatasetError(f"{path}: has no array {split}_{what}; it is not a MedMNIST file.")
    if archive.getinfo(f"{split}_labels.npy").file_size > _MAX_LABEL_BYTES:
        raise DatasetError(f"{path}: {split}_labels is too large to be labels.")
    with archive.open(f"{split}_labels.npy") as file:
        labels = npy.read_array(file, allow_pickle=False)
    with archive.open(f"{split}_images.npy") as file:
        digests = tuple(_image_digests(path, file, split))
    if labels.ndim == 1:
        labels = labels[:, None]
    if labels.ndim != _LABEL_NDIM or len(labels) != len(digests) or not np.issubdtype(labels.dtype, np.integer):
        raise DatasetError(
            f"{path}: {split}_labels is {labels.dtype} of shape {labels.shape} for {len(digests)} images; "
            "expected a whole number (or a row of 0 and 1) for each."
        )
    highest = _MAX_CLASSES if labels.shape[1] == 1 else 1
    if labels.min(initial=0) < 0 or labels.max(initial=0) > highest:
        raise DatasetError(f"{path}: {split}_labels must be between 0 and {highest}.")
    return _Part(split, labels, digests)


def _image_digests(path: Path, file: IO[bytes], split: Split) -> Iterator[str]:
    """Hash image after image, so that a 400 MB file needs the memory of one image."""
    version = npy.read_magic(file)
    read_header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, is_fortran, dtype = read_header(file)
    if is_fortran or dtype.hasobject or len(shape) < 3:
        raise DatasetError(f"{path}: {split}_images is {dtype} of shape {shape}, which is no stack of images.")
    n_bytes = math.prod(shape[1:]) * dtype.itemsize
    if n_bytes > _MAX_IMAGE_BYTES:
        raise DatasetError(f"{path}: {split}_images has images of shape {shape[1:]}, which are too large.")
    for number in range(shape[0]):
        content = file.read(n_bytes)
        if len(content) < n_bytes:
            raise DatasetError(f"{path}: is cut short at {split} image {number}.")
        yield hashlib.blake2b(content, digest_size=16).hexdigest()


def _n_classes(parts: tuple[_Part, ...], *, is_exclusive: bool) -> int:
    if not is_exclusive:
        return int(parts[0].labels.shape[1])
    return 1 + max(int(part.labels.max(initial=0)) for part in parts)


def _drop_shared(parts: tuple[_Part, ...]) -> tuple[dict[Split, set[str]], tuple[str, ...]]:
    """Return the digests each split keeps, and a sentence where some went."""
    kept: dict[Split, set[str]] = {}
    warnings = []
    later: dict[str, Split] = {}
    for part in reversed(parts):  # test first: what measures keeps its images
        shared = [digest for digest in part.digests if digest in later]
        kept[part.split] = set(part.digests) - set(later)
        if shared:
            owners = sorted({later[digest].value for digest in shared})
            warnings.append(
                f"{len(shared)} {part.split} images are identical to images of {' and '.join(owners)}; they were "
                f"dropped from {part.split}."
            )
        later.update(dict.fromkeys(kept[part.split], part.split))
    return kept, tuple(warnings)


def _left_out(path: Path, parts: tuple[_Part, ...], kept: dict[Split, set[str]]) -> Iterator[LeftOut]:
    """Name the images that stand in another split, too, and the first image there."""
    first: dict[str, str] = {}
    for part in parts:
        for number, digest in enumerate(part.digests):
            if digest in kept[part.split]:
                first.setdefault(digest, _name(part.split, number))
    for part in parts:
        for number, digest in enumerate(part.digests):
            if digest not in kept[part.split]:
                ref = FileRef(path, f"{part.split}/{number}")
                yield LeftOut(_name(part.split, number), ref, Lack.SHARED, first[digest])


def _name(split: Split, number: int) -> str:
    return f"{split}-{number:05d}"


def _cases(
    path: Path, parts: tuple[_Part, ...], kept: dict[Split, set[str]], schema: LabelSchema, *, is_exclusive: bool
) -> Iterator[Case]:
    for part in parts:
        first: dict[str, str] = {}
        for number, (row, digest) in enumerate(zip(part.labels.tolist(), part.digests, strict=True)):
            if digest not in kept[part.split]:
                continue
            name = _name(part.split, number)
            yield Case(
                case_id=name,
                group_id=first.setdefault(digest, name),
                images={"image": FileRef(path, f"{part.split}/{number}")},
                classes=(schema.names[row[0]],)
                if is_exclusive
                else tuple(one for one, is_there in zip(schema.names, row, strict=True) if is_there),
                split=part.split,
            )
