"""Save a DICOM data set under its name only once what is on the disk was read again and found right."""

from __future__ import annotations

import os
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

from napari_medclf.atomic import atomic_writer
from napari_medclf.domain.errors import ReadError, WriteError
from napari_medclf.io.dicom.quiet import quiet


def save_checked(dataset: Any, path: Path, check: Callable[[Path], str | None]) -> None:
    """Write a data set, whole and right or not at all.

    Parameters
    ----------
    dataset : pydicom.Dataset
        With its file meta information; the transfer syntax stands there.
    check : callable
        Reads the file again, which has not its final name yet, and gives a sentence about the first
        difference; nothing where there is none.

    Raises
    ------
    WriteError
        If it differs or cannot be written; an older file of that name is then untouched.
    """
    encoded = _encode(dataset)
    try:
        with atomic_writer(path) as file:
            file.write(encoded)
            file.flush()
            os.fsync(file.fileno())
            difference = _difference(path, Path(file.name), check)
            if difference:
                raise WriteError(f"{path}: {difference} Nothing was saved.")
    except OSError as error:
        raise WriteError(f"{path}: could not be written ({error.strerror or error}); nothing was left.") from error


def _encode(dataset: Any) -> memoryview:
    """Encode in memory first: pydicom puts a whole traceback into the words of a full disk."""
    from pydicom import dcmwrite

    encoded = BytesIO()
    with quiet():
        dcmwrite(encoded, dataset, enforce_file_format=True)
    return encoded.getbuffer()


def _difference(path: Path, written: Path, check: Callable[[Path], str | None]) -> str | None:
    try:
        with quiet():
            return check(written)
    except ReadError as error:
        raise WriteError(
            f"{path}: what was written cannot be read again: {error.reason}. Nothing was saved."
        ) from error
