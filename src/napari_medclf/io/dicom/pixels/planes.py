"""Image planes and their stored samples: each file opened once, packed frames unpacked on all cores."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from napari_medclf.domain.errors import ReadError
from napari_medclf.io.dicom.header import Header
from napari_medclf.io.dicom.layout import Pixels
from napari_medclf.io.dicom.pixels.codecs import unpack_frame
from napari_medclf.io.dicom.pixels.fragments import find_frames, read_frame
from napari_medclf.io.dicom.pixels.syntax import DEFLATED
from napari_medclf.io.dicom.quiet import quiet
from napari_medclf.io.preflight import refusing

# Below this a pool costs more than it saves.
_WORTH_A_POOL_BYTES = 2**20
_DATA_KEYWORDS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")

Put = Callable[[int, NDArray[Any]], None]
"""Takes the stored samples of plane n, ``(J, I)`` or ``(J, I, 3)``; called from several threads."""


@dataclass(frozen=True)
class Plane:
    """One frame, counted from 0, of the file of a header."""

    header: Header
    frame: int


def planes_of(headers: Sequence[Header]) -> list[Plane]:
    """List the planes in order; a header without a frame of its own stands for all frames of its file."""
    planes: list[Plane] = []
    for header in headers:
        frames = range(header.pixels.n_frames) if header.frame is None else [header.frame - 1]
        planes.extend(Plane(header, number) for number in frames)
    return planes


def fetch(planes: Sequence[Plane], put: Put, volume: NDArray[Any] | None = None) -> None:
    """Read every plane and hand it to `put`.

    Parameters
    ----------
    volume : (n, J, I)
        Where given, samples that are not packed are read right into it, and `put` gets views of it.

    Raises
    ------
    ReadError
        Naming the file that is truncated or damaged.
    """
    packed: list[tuple[int, Plane]] = []
    for path, numbered in _by_file(planes).items():
        pixels = numbered[0][1].header.pixels
        if is_packed(pixels):
            packed.extend(numbered)
            continue
        with _opened(path, pixels) as (file, offset):
            for n, plane in numbered:
                target = None if volume is None else volume[n]
                put(n, _read_plain(plane, file, offset, target))
    _unpack(packed, put)


def lies_in_rows(pixels: Pixels) -> bool:
    """Whether samples can be read row by row: gray, neither packed nor deflated nor in swapped words."""
    is_plain = not is_packed(pixels) and pixels.transfer_syntax_uid != DEFLATED and not pixels.has_swapped_bytes
    return is_plain and pixels.samples_per_pixel == 1


def each_slab(plane: Plane, n_rows: int) -> Iterator[NDArray[Any]]:
    """Read a plane that `lies_in_rows`, some rows at a time, all into one buffer: (n_rows or fewer, J).

    Raises
    ------
    ReadError
        If the file cannot be read, or is truncated.
    """
    pixels, path = plane.header.pixels, plane.header.path
    buffer = np.empty((n_rows, pixels.columns), stored_dtype(pixels))
    n_read_before = 0
    n_bytes = pixels.rows * pixels.columns * buffer.itemsize
    with _opened(path, pixels) as (file, offset):
        for first in range(0, pixels.rows, n_rows):
            target = buffer[: pixels.rows - first]
            try:
                file.seek(offset + plane.frame * n_bytes + n_read_before)
                n_read = file.readinto(memoryview(target).cast("B"))  # type: ignore[attr-defined]  # raw files can
            except OSError as error:
                raise ReadError(path, f"cannot be read ({error.strerror or error})") from error
            n_read_before += n_read
            if n_read != target.nbytes:
                frame = plane.frame + 1
                raise ReadError(path, f"is truncated: frame {frame} has {n_read_before} of {n_bytes} bytes of samples")
            if not pixels.is_little_endian and target.dtype.itemsize > 1:
                target.byteswap(inplace=True)
            yield target


def packed_frame(plane: Plane) -> bytes:
    """Read the bytes of one packed frame as they are.

    Raises
    ------
    ReadError
        If the file is truncated.
    """
    ((_, _, data),) = _each_packed([(0, plane)])
    return data


def stored_dtype(pixels: Pixels) -> np.dtype[Any]:
    """Native dtype of stored samples."""
    kind = "f" if pixels.is_float else "i" if pixels.is_signed else "u"
    return np.dtype(f"{kind}{pixels.bits_allocated // 8}")


def stored_shape(pixels: Pixels) -> tuple[int, ...]:
    """Shape of one frame as it lies in the file; pairs of pixels share their colour in YBR_FULL_422."""
    if pixels.samples_per_pixel == 1:
        return (pixels.rows, pixels.columns)
    n_samples = 2 if pixels.photometric == "YBR_FULL_422" else pixels.samples_per_pixel
    return (pixels.rows, pixels.columns, n_samples)


def n_cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def is_packed(pixels: Pixels) -> bool:
    """Whether each frame must be unpacked by a decoder."""
    return pixels.length == 0 and pixels.transfer_syntax_uid != DEFLATED


def _by_file(planes: Sequence[Plane]) -> dict[Path, list[tuple[int, Plane]]]:
    files: dict[Path, list[tuple[int, Plane]]] = {}
    for n, plane in enumerate(planes):
        files.setdefault(plane.header.path, []).append((n, plane))
    return files


@contextmanager
def _opened(path: Path, pixels: Pixels) -> Iterator[tuple[BinaryIO, int]]:
    """Open a file at its samples; one that is deflated as a whole is inflated first."""
    if pixels.transfer_syntax_uid == DEFLATED:
        yield BytesIO(_inflated(path)), 0
        return
    with _open(path) as file:
        yield file, pixels.offset


def _open(path: Path) -> BinaryIO:
    try:
        return path.open("rb", buffering=0)
    except OSError as error:
        raise ReadError(path, f"cannot be read ({error.strerror or error})") from error


def _inflated(path: Path) -> bytes:
    with refusing(path, "has a damaged DICOM header", with_text=False), quiet():
        from pydicom import dcmread

        dataset = dcmread(path, force=True)
        return next(bytes(dataset[keyword].value) for keyword in _DATA_KEYWORDS if keyword in dataset)


def _read_plain(plane: Plane, file: BinaryIO, offset: int, target: NDArray[Any] | None) -> NDArray[Any]:
    pixels, path = plane.header.pixels, plane.header.path
    if target is None:
        target = np.empty(stored_shape(pixels), stored_dtype(pixels))
    start = plane.frame * target.nbytes
    try:
        if pixels.has_swapped_bytes:
            n_read = _read_words(file, offset, start, target)
        else:
            file.seek(offset + start)
            n_read = file.readinto(memoryview(target).cast("B"))  # type: ignore[attr-defined]  # raw and BytesIO can
    except OSError as error:
        raise ReadError(path, f"cannot be read ({error.strerror or error})") from error
    if n_read != target.nbytes:
        raise ReadError(path, f"is truncated: frame {plane.frame + 1} has {n_read} of {target.nbytes} bytes of samples")
    if not pixels.is_little_endian and target.dtype.itemsize > 1:
        target.byteswap(inplace=True)
    return target


def _read_words(file: BinaryIO, offset: int, start: int, target: NDArray[Any]) -> int:
    """Read bytes that lie in words of swapped bytes; a frame may begin or end inside a word."""
    first = start - start % 2
    n_bytes = target.nbytes + start - first
    file.seek(offset + first)
    words = np.frombuffer(file.read(n_bytes + n_bytes % 2), np.uint8)
    plain = words[: len(words) // 2 * 2].reshape(-1, 2)[:, ::-1].ravel()[start - first :][: target.nbytes]
    target.reshape(-1)[: len(plain)] = plain
    return len(plain)


def _unpack(packed: Sequence[tuple[int, Plane]], put: Put) -> None:
    """Read frames here and unpack them on all cores, few at a time, so that memory stays bounded."""
    n_workers = min(n_cores(), len(packed))
    n_bytes = sum(plane.header.pixels.rows * plane.header.pixels.columns for _, plane in packed)
    if n_workers < 2 or n_bytes < _WORTH_A_POOL_BYTES:
        for n, plane, data in _each_packed(packed):
            put(n, unpack_frame(plane.header.path, plane.header.pixels, data, n_threads=n_cores()))
        return

    def work(n: int, plane: Plane, data: bytes) -> None:
        put(n, unpack_frame(plane.header.path, plane.header.pixels, data))

    with ThreadPoolExecutor(n_workers) as pool:
        pending: deque[Future[None]] = deque()
        for n, plane, data in _each_packed(packed):
            pending.append(pool.submit(work, n, plane, data))
            if len(pending) > 2 * n_workers:
                pending.popleft().result()
        for job in pending:
            job.result()


def _each_packed(packed: Sequence[tuple[int, Plane]]) -> Iterator[tuple[int, Plane, bytes]]:
    """Yield the packed bytes of each plane; every file is opened and walked over once."""
    files: dict[Path, list[tuple[int, Plane]]] = {}
    for n, plane in packed:
        files.setdefault(plane.header.path, []).append((n, plane))
    for path, numbered in files.items():
        pixels = numbered[0][1].header.pixels
        with _open(path) as file:
            frames = find_frames(path, file, pixels.offset, pixels.n_frames)
            for n, plane in numbered:
                yield n, plane, read_frame(path, file, frames[plane.frame])
