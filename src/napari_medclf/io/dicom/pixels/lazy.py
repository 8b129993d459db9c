"""Volumes that are larger than the memory: one dask chunk a plane, read when it is looked at."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_medclf.io.dicom.header import Header
from napari_medclf.io.dicom.pixels.colour import colour_dtype, rgb_converter
from napari_medclf.io.dicom.pixels.planes import Plane, fetch, planes_of
from napari_medclf.io.dicom.pixels.samples import gray_dtype, meaning_of


def lazy_gray(headers: Sequence[Header]) -> Any:
    """Promise (n_planes, J, I) samples as a dask array; values as `read_gray` gives them.

    The type is one that holds whatever the stored bits can mean, so it may be wider than that of `read_gray`,
    which has seen the samples. A damaged file raises `ReadError` when its plane is computed.
    """
    planes = planes_of(headers)
    dtype = gray_dtype(headers)
    pixels = headers[0].pixels
    return _stacked([(_gray_chunk, plane, dtype) for plane in planes], (1, pixels.rows, pixels.columns), 0, dtype)


def lazy_colour(headers: Sequence[Header]) -> Any:
    """Promise (3, n_planes, J, I) samples as a dask array; values and type as `read_colour` gives them.

    Raises
    ------
    ReadError
        If the colour space of a file is not read.
    """
    planes = planes_of(headers)
    pixels = headers[0].pixels
    rgb_converter(headers[0])
    tasks = [(_colour_chunk, plane) for plane in planes]
    return _stacked(tasks, (3, 1, pixels.rows, pixels.columns), 1, colour_dtype(pixels))


def _stacked(tasks: list[tuple[Any, ...]], chunk: tuple[int, ...], axis: int, dtype: np.dtype[Any]) -> Any:
    """Lay the chunks of the tasks side by side along an axis."""
    from dask.array import Array

    named = repr([(str(task[1].header.path), task[1].frame) for task in tasks])
    name = f"dicom-{hashlib.sha256(named.encode('utf-8', 'surrogateescape')).hexdigest()[:16]}-{axis}"
    zeros = (0,) * (len(chunk) - 1)
    graph = {(name, *zeros[:axis], n, *zeros[axis:]): task for n, task in enumerate(tasks)}
    chunks = tuple((1,) * len(tasks) if number == axis else (size,) for number, size in enumerate(chunk))
    return Array(graph, name, chunks, dtype=dtype)


def _gray_chunk(plane: Plane, dtype: np.dtype[Any]) -> NDArray[Any]:
    found: list[NDArray[Any]] = []
    meaning = meaning_of(plane.header, dtype, set())
    fetch([plane], lambda _, stored: found.append(meaning(stored)))
    return found[0][None]


def _colour_chunk(plane: Plane) -> NDArray[Any]:
    found: list[NDArray[Any]] = []
    convert = rgb_converter(plane.header)
    fetch([plane], lambda _, stored: found.append(convert(stored)))
    return np.ascontiguousarray(np.moveaxis(found[0], -1, 0)[:, None])
