"""Samples of a segmentation, frame by frame: single bits, bytes or words, plain or packed."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from napari_medclf.domain.arrays import LabelArray
from napari_medclf.domain.errors import ReadError
from napari_medclf.io.dicom import tags
from napari_medclf.io.dicom.pixels.codestream import read_stream
from napari_medclf.io.dicom.pixels.syntax import (
    DEFLATED,
    DEFLATED_FRAMES,
    JPEG_XL,
    NATIVE,
    RLE,
    check_syntax,
    syntax_name,
)
from napari_medclf.io.dicom.quiet import quiet
from napari_medclf.io.preflight import check_budget, check_declared, refusing

_RLE_HEADER = 64
_BITS = (1, 8, 16)


@dataclass(frozen=True)
class Samples:
    """How the samples of a segmentation are stored."""

    syntax: str
    bits: int
    rows: int
    columns: int
    n_frames: int

    @property
    def is_native(self) -> bool:
        """Whether they lie in one run, as they are."""
        return self.syntax in (*NATIVE, DEFLATED)

    @property
    def n_bytes(self) -> int:
        """Bytes of all frames in one run."""
        return (self.n_frames * self.rows * self.columns * self.bits + 7) // 8


def check_samples(path: Path, dataset: Any) -> Samples:
    """Look at how samples are stored, before anything is made for them.

    Raises
    ------
    ReadError
        If they are missing, fewer than declared, too many for the memory, or packed in a way that cannot be undone.
    """
    syntax = _syntax(dataset)
    check_syntax(path, syntax)
    if syntax in JPEG_XL:
        raise ReadError(path, f"is a segmentation packed as {syntax_name(syntax)}, which is not read")
    bits = int(tags.number(dataset, "BitsAllocated", 0))
    if bits not in _BITS or tags.number(dataset, "SamplesPerPixel", 1) != 1:
        raise ReadError(path, f"has samples of {bits} bits; segmentations have 1, 8 or 16")
    if not dataset.get("PixelData"):
        raise ReadError(path, "holds no samples")
    rows, columns, n_frames = (tags.count(path, dataset, name) for name in ("Rows", "Columns", "NumberOfFrames"))
    found = Samples(syntax, bits, rows, columns, n_frames)
    if found.is_native:
        present = len(dataset.PixelData)
        check_declared(path, found.n_bytes, present)
        if present > found.n_bytes + 1:  # one byte pads to an even number
            raise ReadError(
                path,
                f"holds {present} bytes of samples, and {n_frames} frames of {rows} x {columns} pixels take "
                f"{found.n_bytes}; its header is wrong",
            )
    check_budget(path, 2 * rows * columns)
    return found


def iter_frames(path: Path, dataset: Any) -> Iterator[LabelArray]:
    """Yield the stored samples of each frame as unsigned (J, I), in native byte order.

    Raises
    ------
    ReadError
        As `check_samples`, or if they are damaged.
    """
    stored = check_samples(path, dataset)
    with refusing(path, f"has damaged samples ({syntax_name(stored.syntax)})", with_text=False), quiet():
        if stored.is_native:
            yield from _native(dataset, stored)
        elif stored.syntax in DEFLATED_FRAMES or (stored.syntax in RLE and stored.bits == 1):
            unpack = _inflate if stored.syntax in DEFLATED_FRAMES else _undo_rle
            n_bytes = (stored.rows * stored.columns * stored.bits + 7) // 8
            for packed in _fragments(dataset):
                yield _samples(path, unpack(packed, n_bytes), stored)
        else:
            _check_streams(path, dataset, stored)
            yield from _by_pydicom(dataset)


def _syntax(dataset: Any) -> str:
    found = tags.meta_text(dataset, "TransferSyntaxUID")
    if found:
        return found
    _, is_little = dataset.original_encoding
    return NATIVE[2] if is_little else NATIVE[3]


def _native(dataset: Any, stored: Samples) -> Iterator[LabelArray]:
    """Cut frames out of one run of samples; single bits run on from frame to frame (PS3.5 8.2)."""
    shape, per_frame = (stored.rows, stored.columns), stored.rows * stored.columns
    run, is_big = bytes(dataset.PixelData), stored.syntax == NATIVE[3]
    if is_big and stored.bits < 16 and dataset["PixelData"].VR == "OW":
        run = np.frombuffer(run, ">u2").astype("<u2").tobytes()
    words = np.frombuffer(run, np.uint8) if stored.bits < 16 else np.frombuffer(run, ">u2" if is_big else "<u2")
    for start in range(0, stored.n_frames * per_frame, per_frame):
        if stored.bits == 1:
            some = np.unpackbits(words[start // 8 : (start + per_frame + 7) // 8], bitorder="little")
            yield some[start % 8 : start % 8 + per_frame].reshape(shape)
        else:
            some = words[start : start + per_frame]
            yield some.astype(some.dtype.newbyteorder("="), copy=False).reshape(shape)


def _samples(path: Path, run: bytes, stored: Samples) -> LabelArray:
    """Turn the bytes of one unpacked frame into samples; single bits end with the frame."""
    shape, n_samples = (stored.rows, stored.columns), stored.rows * stored.columns
    check_declared(path, (n_samples * stored.bits + 7) // 8, len(run))
    if stored.bits == 1:
        return np.unpackbits(np.frombuffer(run, np.uint8), count=n_samples, bitorder="little").reshape(shape)
    words = np.frombuffer(run, f"<u{stored.bits // 8}")[:n_samples]
    return words.astype(words.dtype.newbyteorder("=")).reshape(shape)


def _fragments(dataset: Any) -> Iterator[bytes]:
    from pydicom.encaps import generate_frames

    yield from generate_frames(dataset.PixelData, number_of_frames=int(dataset.NumberOfFrames))


def _inflate(packed: bytes, n_bytes: int) -> bytes:
    return zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed, n_bytes)


def _undo_rle(packed: bytes, n_bytes: int) -> bytes:
    """Undo PackBits of one segment (PS3.5 G.3); pydicom 3.0 does not for single bits."""
    unpacked = bytearray()
    at = _RLE_HEADER
    while at < len(packed) and len(unpacked) < n_bytes:
        count = packed[at]
        if count < 128:
            unpacked += packed[at + 1 : at + 2 + count]
            at += 2 + count
        else:
            unpacked += packed[at + 1 : at + 2] * (257 - count if count > 128 else 0)
            at += 2 if count > 128 else 1
    return bytes(unpacked[:n_bytes])


def _check_streams(path: Path, dataset: Any, stored: Samples) -> None:
    """Refuse a frame whose own header declares another size, before a decoder makes room for it."""
    for number, packed in enumerate(_fragments(dataset), start=1):
        stream = read_stream(packed)
        if stream is not None and (stream.rows, stream.columns) != (stored.rows, stored.columns):
            found = f"{stream.rows} x {stream.columns}"
            raise ReadError(path, f"declares {stored.rows} x {stored.columns} pixels, and frame {number} has {found}")


def _by_pydicom(dataset: Any) -> Iterator[LabelArray]:
    from pydicom.pixels.utils import iter_pixels

    for frame in iter_pixels(dataset):
        samples = np.asarray(frame)
        yield samples.astype(f"u{samples.dtype.itemsize}", copy=False)
