"""Find files that are the same image, byte by byte."""

from __future__ import annotations

import hashlib
import os
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

from napari_medclf.domain.dataset import FileRef
from napari_medclf.domain.listing import SeriesEntry
from napari_medclf.io.look_ahead import LookAhead

_PEEK_BYTES = 4096
_CHUNK_BYTES = 2**20


def find_copies(entries: Sequence[SeriesEntry]) -> dict[FileRef, FileRef]:
    """Tell which images of a folder are the same bytes as an earlier one.

    Parameters
    ----------
    entries : sequence of SeriesEntry
        In their order; the first of equal ones is the image, the others are its copies. DICOM images are passed over:
        their copies carry the same UIDs, and were found when they were listed.

    Returns
    -------
    dict
        Copy to image; images inside one file are told apart by their member.

    Notes
    -----
    Only files of equal size are opened; of these 12 KiB are read, and all bytes only where these are equal, too.
    """
    first_of = _first_files({entry.files: None for entry in entries if entry.files and not entry.modality})
    members: dict[tuple[Path, str], FileRef] = {}
    copies: dict[FileRef, FileRef] = {}
    for entry in entries:
        first = first_of.get(entry.files)
        if first is None:
            continue
        seen = members.setdefault((first[0], entry.ref.member), entry.ref)
        if seen != entry.ref:
            copies[entry.ref] = seen
    return copies


Files = tuple[Path, ...]


def _first_files(all_files: Iterable[Files]) -> Mapping[Files, Files]:
    """Map the files of images to those of the first image with the same bytes, where there are several."""
    ahead = LookAhead()
    groups: list[list[Files]] = [list(all_files)]
    for question in (_sizes, _peeks, _digests):
        groups = [part for group in groups for part in _parted(group, question, ahead)]
    return {files: group[0] for group in groups for files in group}


def _parted(group: Iterable[Files], question: Callable[[Files], Hashable], ahead: LookAhead) -> Iterator[list[Files]]:
    """Part a group by the answers to a question; what stands alone, or cannot be read, is left away."""
    parts: dict[Hashable, list[Files]] = defaultdict(list)
    for files, answer in ahead.each(question, group, OSError):
        if not isinstance(answer, OSError):  # else reading it will say why
            parts[answer].append(files)
    yield from (part for part in parts.values() if len(part) > 1)


def _sizes(files: Files) -> Hashable:
    return tuple(path.stat().st_size for path in files)


def _peeks(files: Files) -> Hashable:
    return tuple(_peek(path) for path in files)


def _digests(files: Files) -> Hashable:
    return tuple(_digest(path) for path in files)


def _peek(path: Path) -> bytes:
    """Digest of the beginning, the middle and the end."""
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        starts = (0, max(size // 2, 0), max(size - _PEEK_BYTES, 0))
        return hashlib.sha256(b"".join(_read_at(file, start) for start in starts)).digest()


def _read_at(file: BinaryIO, start: int) -> bytes:
    file.seek(start)
    return file.read(_PEEK_BYTES)


def _digest(path: Path) -> bytes:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.digest()
