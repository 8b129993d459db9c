"""The ``.npz`` files of MedMNIST: arrays of small images with official splits.

Members are named by split and number: ``"train/17"``; a split alone (``"train"``) is a stack of all its images.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from napari_medclf.domain.arrays import LabelArray, PixelArray
from napari_medclf.domain.errors import ReadError, unknown_choice
from napari_medclf.domain.geometry import Geometry, Unit
from napari_medclf.domain.image import ChannelKind, MedImage, Scale, Source
from napari_medclf.io.preflight import DEFLATE_RATIO, check_declared, check_file, refusing
from napari_medclf.io.raster.picture import picture_window
from napari_medclf.io.sniff import name_of

SPLITS = ("train", "val", "test")


@dataclass(frozen=True)
class MedmnistArrays:
    """Everything in one file.

    Parameters
    ----------
    images : dict of str to array
        Split to (N, J, I), (N, J, I, 3) or (N, K, J, I) samples as stored.
    labels : dict of str to array
        Split to (N, n_labels) integers.
    n : dict of str to int
        How many images a split has.
    """

    images: Mapping[str, PixelArray]
    labels: Mapping[str, LabelArray]
    n: Mapping[str, int]


@dataclass(frozen=True)
class ArrayHeader:
    """Shape and dtype of one array, read without its samples."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]


def read_medmnist(path: Path) -> MedmnistArrays:
    """Read all splits at once, for training.

    Raises
    ------
    ReadError
        If it is not a MedMNIST file, is damaged, or does not fit into memory.
    """
    headers = read_headers(path)
    splits = splits_of(path, headers)
    with refusing(path, "cannot be read as npz"), np.load(path, allow_pickle=False) as arrays:
        images = {split: _native(arrays[f"{split}_images"]) for split in splits}
        labels = {split: _native(arrays[f"{split}_labels"]) for split in splits if f"{split}_labels" in headers}
    return MedmnistArrays(images, labels, {split: len(images[split]) for split in splits})


def read_headers(path: Path) -> dict[str, ArrayHeader]:
    """List the arrays of an npz without unpacking them.

    Raises
    ------
    ReadError
        If it is no npz, an array needs pickle, or the sizes cannot be true.
    """
    size = check_file(path)
    with refusing(path, "cannot be read as npz"), zipfile.ZipFile(path) as archive:
        headers = {}
        for info in archive.infolist():
            if info.filename.endswith(".npy"):
                with archive.open(info) as member:
                    headers[info.filename[: -len(".npy")]] = _read_header(path, member)
        if not headers:
            raise ReadError(path, "is a zip file without arrays, not an npz")
        declared = sum(_n_bytes(header) for header in headers.values())
        check_declared(path, declared, size, is_compressed=True)
        return headers


def splits_of(path: Path, headers: Mapping[str, ArrayHeader]) -> tuple[str, ...]:
    """Tell which splits a file has.

    Raises
    ------
    ReadError
        If it is not a MedMNIST file.
    """
    splits = tuple(split for split in SPLITS if f"{split}_images" in headers)
    if not splits:
        raise ReadError(
            path,
            f"holds the arrays {', '.join(sorted(headers)[:6])}, and MedMNIST's train_images, val_images or "
            "test_images was expected",
        )
    return splits


def list_members(path: Path) -> tuple[str, ...]:
    """Name every image of a file, split by split."""
    headers = read_headers(path)
    return tuple(
        f"{split}/{number}"
        for split in splits_of(path, headers)
        for number in range(headers[f"{split}_images"].shape[0])
    )


def read_member(path: Path, member: str) -> MedImage:
    """Read one image, such as ``"train/17"``, without unpacking what stands behind it.

    A split alone gives all its images in one: flat ones as slices, volumes as channels.

    Raises
    ------
    ReadError
        If there is no such member.
    """
    if member in SPLITS:
        return _read_stack(path, member)
    split, number = _parse(path, member)
    stored = read_row(path, f"{split}_images", number)
    data, kind = _arrange(path, stored)
    return MedImage(
        data=data,
        geometry=Geometry.from_spacing(data.shape[-3:], unit=Unit.PIXEL),
        name=f"{name_of(path)}-{split}-{number}",
        scale=Scale.DISPLAY,
        channel_kind=kind,
        channel_names=("red", "green", "blue") if kind is ChannelKind.COLOUR else (),
        window=None if kind is ChannelKind.COLOUR else picture_window(data),
        source=Source(path, member=member),
    )


def _read_stack(path: Path, split: str) -> MedImage:
    headers = read_headers(path)
    if f"{split}_images" not in headers:
        raise ReadError(path, unknown_choice("split", split, splits_of(path, headers)))
    with refusing(path, "cannot be read as npz"), np.load(path, allow_pickle=False) as arrays:
        stored = _native(arrays[f"{split}_images"])
    data, kind = _arrange_stack(path, stored)
    return MedImage(
        data=data,
        geometry=Geometry.from_spacing(data.shape[-3:], unit=Unit.PIXEL),
        name=f"{name_of(path)}-{split}",
        scale=Scale.DISPLAY,
        channel_kind=kind,
        channel_names=("red", "green", "blue") if kind is ChannelKind.COLOUR else (),
        window=None if kind is ChannelKind.COLOUR else picture_window(data),
        source=Source(path, member=split),
        warnings=(f"This is all {len(stored)} images of the split in one; open {split}/0 and so on for single ones.",),
    )


def _arrange_stack(path: Path, stored: NDArray[Any]) -> tuple[PixelArray, ChannelKind]:
    if stored.ndim == 4 and stored.shape[-1] == 3:
        return np.ascontiguousarray(np.moveaxis(stored, -1, 0)), ChannelKind.COLOUR
    if stored.ndim not in (3, 4):
        raise ReadError(path, f"has images of shape {stored.shape[1:]}, and 2 or 3 dimensions were expected")
    return stored, ChannelKind.NONE if stored.ndim == 3 else ChannelKind.CHANNEL


def read_row(path: Path, array: str, number: int) -> NDArray[Any]:
    """Read row `number` of one array.

    Raises
    ------
    ReadError
        If the array or the row is not there.
    """
    check_file(path)
    with refusing(path, "cannot be read as npz"), zipfile.ZipFile(path) as archive:
        if f"{array}.npy" not in archive.namelist():
            raise ReadError(path, unknown_choice("array", array, [name[:-4] for name in archive.namelist()]))
        with archive.open(f"{array}.npy") as member:
            header = _read_header(path, member)
            if not header.shape or not 0 <= number < header.shape[0]:
                raise ReadError(path, f"has no row {number} in {array}, which has {header.shape[:1] or 0} rows")
            n_bytes = _n_bytes(header) // header.shape[0]
            _skip(member, number * n_bytes)
            row = np.frombuffer(member.read(n_bytes), header.dtype).reshape(header.shape[1:])
    return _native(row)


def _read_header(path: Path, member: IO[bytes]) -> ArrayHeader:
    version = np.lib.format.read_magic(member)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, is_fortran, dtype = read(member)
    if dtype.hasobject:
        raise ReadError(path, "holds Python objects, which could run code when read", "Save plain arrays.")
    if is_fortran and len(shape) > 1:
        raise ReadError(path, "holds arrays in Fortran order, which MedMNIST does not")
    return ArrayHeader(tuple(int(n) for n in shape), dtype)


def _n_bytes(header: ArrayHeader) -> int:
    n_samples = 1
    for n in header.shape:
        n_samples *= n
    return n_samples * header.dtype.itemsize


def _skip(member: IO[bytes], n_bytes: int) -> None:
    while n_bytes > 0:
        chunk = member.read(min(n_bytes, DEFLATE_RATIO * 1024))
        if not chunk:
            raise EOFError("the array ends early")
        n_bytes -= len(chunk)


def _parse(path: Path, member: str) -> tuple[str, int]:
    split, _, number = member.partition("/")
    if split not in SPLITS or not (number.isascii() and number.isdigit()):
        raise ReadError(path, f"has no member {member!r}", 'Members are named like "train/17", or "train" for all.')
    return split, int(number)


def _arrange(path: Path, stored: NDArray[Any]) -> tuple[PixelArray, ChannelKind]:
    if stored.ndim == 3 and stored.shape[-1] == 3:
        return np.ascontiguousarray(np.moveaxis(stored, -1, 0)[:, None]), ChannelKind.COLOUR
    if stored.ndim in (2, 3):
        return stored[None] if stored.ndim == 2 else stored, ChannelKind.NONE
    raise ReadError(path, f"has images of shape {stored.shape}, and 2 or 3 dimensions were expected")


def _native(stored: NDArray[Any]) -> NDArray[Any]:
    return np.array(stored, dtype=stored.dtype.newbyteorder("="))
