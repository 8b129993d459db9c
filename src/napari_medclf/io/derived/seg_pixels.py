"""Samples of a segmentation, frame by frame: single bits, bytes or words, plain or packed."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from napari_medclf.domain.arrays import LabelArray
from napari_medclf.domain.errors import ReadError
from napari_medclf.io.dicom import tags
from napari_medclf.io.dicom.quiet import quiet
from napari_medclf.io.dicom.syntax import DEFLATED, NATIVE, check_syntax, syntax_name
from napari_medclf.io.preflight import check_budget, check_declared, refusing

_DEFLATED_FRAMES = "1.2.840.10008.1.2.8.1"  # Supplement 244; pydicom 3.0 does not name it
_RLE = "1.2.840.10008.1.2.5"
_RLE_HEADER = 64
_BITS = (1, 8, 16)


def iter_frames(path: Path, dataset: Any) -> Iterator[LabelArray]:
    """Yield the stored samples of each frame as unsigned (J, I), in native byte order.

    Raises
    ------
    ReadError
        If samples are missing, fewer than declared, packed in a way that cannot be undone, or damaged.
    """
    syntax = _syntax(dataset)
    if syntax != _DEFLATED_FRAMES:
        check_syntax(path, syntax)
    bits = int(tags.number(dataset, "BitsAllocated", 0))
    if bits not in _BITS or tags.number(dataset, "SamplesPerPixel", 1) != 1:
        raise ReadError(path, f"has samples of {bits} bits; segmentations have 1, 8 or 16")
    if "PixelData" not in dataset:
        raise ReadError(path, "holds no samples")
    rows, columns = tags.count(path, dataset, "Rows"), tags.count(path, dataset, "Columns")
    check_budget(path, 2 * rows * columns)
    with refusing(path, f"has damaged samples ({syntax_name(syntax)})", with_text=False), quiet():
        if syntax in (*NATIVE, DEFLATED):
            yield from _native(path, dataset, bits, (rows, columns))
        elif syntax == _DEFLATED_FRAMES or (syntax == _RLE and bits == 1):
            unpack = _inflate if syntax == _DEFLATED_FRAMES else _undo_rle
            n_bytes = (rows * columns * bits + 7) // 8
            for packed in _fragments(dataset):
                yield _samples(path, unpack(packed, n_bytes), bits, (rows, columns))
        else:
            yield from _by_pydicom(dataset)


def _syntax(dataset: Any) -> str:
    found = tags.meta_text(dataset, "TransferSyntaxUID")
    if found:
        return found
    _, is_little = dataset.original_encoding
    return NATIVE[2] if is_little else NATIVE[3]


def _native(path: Path, dataset: Any, bits: int, shape: tuple[int, int]) -> Iterator[LabelArray]:
    """Cut frames out of one run of samples; single bits run on from frame to frame (PS3.5 8.2)."""
    n_frames, per_frame = tags.count(path, dataset, "NumberOfFrames"), shape[0] * shape[1]
    stored = bytes(dataset.PixelData)
    check_declared(path, (n_frames * per_frame * bits + 7) // 8, len(stored))
    is_big = _syntax(dataset) == NATIVE[3]
    if is_big and bits < 16 and dataset["PixelData"].VR == "OW":
        stored = np.frombuffer(stored, ">u2").astype("<u2").tobytes()
    words = np.frombuffer(stored, np.uint8) if bits < 16 else np.frombuffer(stored, ">u2" if is_big else "<u2")
    for frame in range(n_frames):
        start = frame * per_frame
        if bits == 1:
            some = np.unpackbits(words[start // 8 : (start + per_frame + 7) // 8], bitorder="little")
            yield some[start % 8 : start % 8 + per_frame].reshape(shape)
        else:
            some = words[start : start + per_frame]
            yield some.astype(some.dtype.newbyteorder("="), copy=False).reshape(shape)


def _samples(path: Path, stored: bytes, bits: int, shape: tuple[int, int]) -> LabelArray:
    """Turn the bytes of one unpacked frame into samples; single bits end with the frame."""
    n_samples = shape[0] * shape[1]
    check_declared(path, (n_samples * bits + 7) // 8, len(stored))
    if bits == 1:
        return np.unpackbits(np.frombuffer(stored, np.uint8), count=n_samples, bitorder="little").reshape(shape)
    return np.frombuffer(stored, f"<u{bits // 8}")[:n_samples].astype(f"u{bits // 8}").reshape(shape)


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


def _by_pydicom(dataset: Any) -> Iterator[LabelArray]:
    from pydicom.pixels.utils import iter_pixels

    for frame in iter_pixels(dataset):
        samples = np.asarray(frame)
        yield samples.astype(f"u{samples.dtype.itemsize}", copy=False)
