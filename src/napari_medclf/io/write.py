"""The way out: a file counts as saved once it was read back and found the same."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from napari_medclf.atomic import atomic_writer
from napari_medclf.domain.arrays import PixelArray
from napari_medclf.domain.errors import ReadError, WriteError
from napari_medclf.domain.geometry import Geometry
from napari_medclf.domain.image import ChannelKind, MedImage
from napari_medclf.domain.results import Segmentation
from napari_medclf.io.raster import write_picture
from napari_medclf.io.sniff import suffix_of
from napari_medclf.io.volume import write_nifti, write_nrrd


@dataclass(frozen=True)
class Payload:
    """Samples and grid, ready to be written in any format."""

    data: PixelArray
    kind: ChannelKind
    geometry: Geometry


@dataclass(frozen=True)
class Format:
    """How one file format is written and read back.

    Parameters
    ----------
    encode : callable
        Writes samples and grid into an open file; raises `WriteError` for what it cannot hold.
    decode : callable
        Reads a file back, under any name.
    keeps_place : bool
        Whether position and orientation survive, not only the spacing.
    keeps_scale : bool
        Whether the spacing survives.
    """

    encode: Callable[[PixelArray, ChannelKind, Geometry, BinaryIO], None]
    decode: Callable[[Path], tuple[PixelArray, Geometry]]
    keeps_place: bool = True
    keeps_scale: bool = True


_FORMATS: dict[str, Format] = {
    ".nii": Format(write_nifti.encode, write_nifti.decode),
    ".nii.gz": Format(write_nifti.encode_packed, write_nifti.decode),
    ".nrrd": Format(write_nrrd.encode, write_nrrd.decode),
    ".png": Format(write_picture.encode_png, write_picture.decode_png, keeps_place=False, keeps_scale=False),
    ".tif": Format(write_picture.encode_tiff, write_picture.decode_tiff, keeps_place=False),
    ".tiff": Format(write_picture.encode_tiff, write_picture.decode_tiff, keeps_place=False),
}
WRITABLE_SUFFIXES = tuple(_FORMATS)


def write_segmentation(segmentation: Segmentation, path: Path) -> None:
    """Write labels in the smallest unsigned dtype that holds them, whole or not at all.

    PNG keeps neither place nor scale, TIFF the scale; NIfTI and NRRD keep everything.

    Raises
    ------
    WriteError
        If the format cannot hold it, the disk does not take it, or what was read back differs.
        An older file under that name is then untouched.
    """
    labels = segmentation.labels
    if labels.size and labels.min() < 0:
        raise WriteError(f"{path}: labels run from 0 up, and {labels.min()} was given.")
    smallest = labels.astype(np.min_scalar_type(int(labels.max())))
    _write(Path(path), Payload(smallest, ChannelKind.NONE, segmentation.geometry))


def write_image(image: MedImage, path: Path) -> None:
    """Write an image with its samples unchanged, whole or not at all.

    Raises
    ------
    WriteError
        As `write_segmentation`.
    """
    data = image.data.astype(np.float32) if image.data.dtype == np.float16 else image.data
    _write(Path(path), Payload(data, image.channel_kind, image.geometry))


def _write(path: Path, payload: Payload) -> None:
    suffix = suffix_of(path)
    if suffix not in _FORMATS:
        raise WriteError(
            f"{path}: files named {suffix or 'without a suffix'} cannot be written. Use {', '.join(_FORMATS)}."
        )
    target = _FORMATS[suffix]
    try:
        with atomic_writer(path) as file:
            target.encode(payload.data, payload.kind, payload.geometry, file)
            file.flush()
            os.fsync(file.fileno())
            _check(path, Path(file.name), payload, target)
    except OSError as error:
        raise WriteError(f"{path}: could not be written ({error.strerror or error}); nothing was left.") from error


def _check(path: Path, written: Path, payload: Payload, target: Format) -> None:
    """Compare what is on the disk with what was to be written, before it takes its name."""
    try:
        data, geometry = target.decode(written)
    except ReadError as error:
        raise WriteError(f"{path}: what was written cannot be read back: {error.reason}.") from error
    if data.dtype != payload.data.dtype:
        raise WriteError(f"{path}: came back as {data.dtype}, and {payload.data.dtype} was written.")
    is_float = np.issubdtype(data.dtype, np.floating)
    if not np.array_equal(data, payload.data, equal_nan=is_float):
        raise WriteError(f"{path}: came back with other samples than were written.")
    difference = _grid_difference(payload.geometry, geometry, target)
    if difference:
        raise WriteError(f"{path}: came back on another grid: {difference}.")


def _grid_difference(meant: Geometry, found: Geometry, target: Format) -> str:
    if target.keeps_place:
        return meant.explain_difference(found)
    if target.keeps_scale and not np.allclose(meant.spacing, found.spacing, rtol=1e-5):
        return f"spacing (k, j, i) is {found.spacing}, not {meant.spacing}"
    return "" if meant.shape == found.shape else f"shape (k, j, i) is {found.shape}, not {meant.shape}"
