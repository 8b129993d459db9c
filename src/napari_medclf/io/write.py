"""The way out: a file counts as saved once it was opened by other code than wrote it, and found the same."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from napari_medclf.atomic import atomic_writer
from napari_medclf.domain.errors import WriteError
from napari_medclf.domain.image import ChannelKind, MedImage
from napari_medclf.domain.results import Segmentation
from napari_medclf.io.contents import Contents
from napari_medclf.io.raster import write_picture
from napari_medclf.io.reopen import metaimage, nifti, nrrd, png, tiff
from napari_medclf.io.reopen.compare import explain
from napari_medclf.io.reopen.found import Found
from napari_medclf.io.sniff import suffix_of
from napari_medclf.io.volume import write_metaimage, write_nifti, write_nrrd


@dataclass(frozen=True)
class Format:
    """How one file format is written, and opened again by code that shares nothing with the writer.

    Parameters
    ----------
    encode : callable
        Writes contents into an open file; raises `WriteError` for what the format cannot hold.
    reopen : callable
        Opens a file, under any name.
    keeps_names : bool
        Whether the class names of labels are kept.
    """

    encode: Callable[[Contents, BinaryIO], None]
    reopen: Callable[[Path], Found]
    keeps_names: bool = False


_FORMATS: dict[str, Format] = {
    ".nii": Format(write_nifti.encode, nifti.reopen, keeps_names=True),
    ".nii.gz": Format(write_nifti.encode_packed, nifti.reopen, keeps_names=True),
    ".nrrd": Format(write_nrrd.encode, nrrd.reopen, keeps_names=True),
    ".mha": Format(write_metaimage.encode, metaimage.reopen),
    ".png": Format(write_picture.encode_png, png.reopen),
    ".tif": Format(write_picture.encode_tiff, tiff.reopen),
    ".tiff": Format(write_picture.encode_tiff, tiff.reopen),
}


def write_segmentation(segmentation: Segmentation, path: Path) -> None:
    """Write labels in the smallest unsigned dtype that holds them, whole or not at all.

    NIfTI and NRRD keep place, class names, colours and codes; MetaImage keeps the place, TIFF the spacing, PNG
    neither.

    Raises
    ------
    WriteError
        If the format cannot hold it, the disk does not take it, or what was read back differs, naming the axis
        or slice. An older file under that name is then untouched.
    """
    labels = np.asarray(segmentation.labels)
    if labels.size and labels.min() < 0:
        raise WriteError(f"{path}: labels run from 0 up, and {labels.min()} was given.")
    smallest = labels.astype(np.min_scalar_type(int(labels.max())))
    _write(Path(path), Contents(smallest, ChannelKind.NONE, segmentation.geometry, segmentation.schema))


def write_image(image: MedImage, path: Path) -> None:
    """Write an image with its samples unchanged, whole or not at all.

    Raises
    ------
    WriteError
        As `write_segmentation`.
    """
    if image.channel_kind is ChannelKind.COLOUR_TIME:
        raise WriteError(f"{path}: a film in colour cannot be written. Use one of its frames.")
    data = np.asarray(image.data)
    data = data.astype(np.float32) if data.dtype == np.float16 else data
    contents = Contents(
        data, image.channel_kind, image.geometry, times=image.channel_values, time_unit=image.channel_unit
    )
    _write(Path(path), contents)


def _write(path: Path, contents: Contents) -> None:
    suffix = suffix_of(path)
    if suffix not in _FORMATS:
        raise WriteError(
            f"{path}: files named {suffix or 'without a suffix'} cannot be written. Use {', '.join(_FORMATS)}."
        )
    target = _FORMATS[suffix]
    try:
        with atomic_writer(path) as file:
            target.encode(contents, file)
            file.flush()
            os.fsync(file.fileno())
            _check(path, Path(file.name), contents, target)
    except OSError as error:
        raise WriteError(f"{path}: could not be written ({error.strerror or error}); nothing was left.") from error


def _check(path: Path, written: Path, contents: Contents, target: Format) -> None:
    """Compare what is on the disk with what was to be written, before it takes its name."""
    try:
        found = target.reopen(written)
    except OSError:
        raise
    except Exception as error:  # whatever is wrong with the file, it must not count as saved
        reason = " ".join(str(error).replace(str(written), "the file").split())
        raise WriteError(f"{path}: what was written cannot be read back: {reason}.") from error
    difference = explain(contents, found, keeps_names=target.keeps_names)
    if difference:
        raise WriteError(f"{path}: came back otherwise than it was written: {difference}. Nothing was left.")
