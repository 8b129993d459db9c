"""Where the packed frames of a file lie, found by walking over the items of its pixel data."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from napari_medclf.domain.errors import ReadError

_ITEM = b"\xfe\xff\x00\xe0"
_FRAME_STARTS = (b"\xff\xd8\xff", b"\xff\x4f\xff\x51", b"\x00\x00\x00\x0cjP  ", b"\xff\x0a", b"\x00\x00\x00\x0cJXL ")
_MOST_PIECES = 10**6

Extent = tuple[int, int]
"""Offset and length in bytes, in the file."""


def find_frames(path: Path, file: BinaryIO, start: int, n_frames: int) -> list[list[Extent]]:
    """Find the pieces of every frame, DICOM PS3.5 A.4.

    Frames of several pieces are told apart by the basic offset table or, without one, by how a frame begins.
    What follows the last item is not looked at. An extended offset table needs no look: with it each frame is
    one piece.

    Raises
    ------
    ReadError
        If the file ends inside a piece, or holds another number of frames than it declares.
    """
    size = file.seek(0, 2)
    table, pieces = _walk(path, file, start, size)
    if n_frames == 1:
        frames = [pieces] if pieces else []
    elif len(pieces) == n_frames:
        frames = [[piece] for piece in pieces]
    else:
        frames = _by_table(pieces, table, pieces[0][0] - 8) if table and pieces else _by_beginning(file, pieces)
    if len(frames) != n_frames:
        raise ReadError(path, f"holds {len(frames)} packed frames, and its header declares {n_frames}")
    return frames


def read_frame(path: Path, file: BinaryIO, pieces: list[Extent]) -> bytes:
    """Read one frame.

    Raises
    ------
    ReadError
        If the file ends before.
    """
    parts = []
    for offset, length in pieces:
        file.seek(offset)
        parts.append(file.read(length))
        if len(parts[-1]) != length:
            raise ReadError(path, "is truncated inside its packed samples", "Fetch the file again.")
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _walk(path: Path, file: BinaryIO, start: int, size: int) -> tuple[list[int], list[Extent]]:
    """Basic offset table (may be empty) and all pieces."""
    items: list[Extent] = []
    at = start
    while at + 8 <= size:
        file.seek(at)
        head = file.read(8)
        if head[:4] != _ITEM:
            break
        length = int.from_bytes(head[4:], "little")
        if at + 8 + length > size:
            raise ReadError(
                path,
                f"is truncated: a packed frame takes {length} bytes, and {size - at - 8} are there",
                "Fetch the file again.",
            )
        items.append((at + 8, length))
        if len(items) > _MOST_PIECES:
            raise ReadError(path, f"has its samples in more than {_MOST_PIECES} pieces")
        at += 8 + length
    if not items:
        raise ReadError(path, "holds no packed samples")
    file.seek(items[0][0])
    table = file.read(items[0][1])
    return [int.from_bytes(table[n : n + 4], "little") for n in range(0, len(table) - 3, 4)], items[1:]


def _by_table(pieces: list[Extent], table: list[int], base: int) -> list[list[Extent]]:
    begins = set(table)
    frames: list[list[Extent]] = []
    for offset, length in pieces:
        if offset - 8 - base in begins or not frames:
            frames.append([])
        frames[-1].append((offset, length))
    return frames


def _by_beginning(file: BinaryIO, pieces: list[Extent]) -> list[list[Extent]]:
    frames: list[list[Extent]] = []
    for offset, length in pieces:
        file.seek(offset)
        if file.read(8).startswith(_FRAME_STARTS) or not frames:
            frames.append([])
        frames[-1].append((offset, length))
    return frames
