"""Records of a journal's file: length and CRC tell a whole one from one that a kill or a power cut tore.

::

    file    := record*
    record  := 0xA5 "STK" | u32 length | u32 CRC-32 of the payload | payload
    payload := u8 kind | u32 sequence number | u64 time in ns since 1970 | body

All numbers are little-endian. A file begins with a HEAD, which names the writer of the records up to the next HEAD, so
files that are joined end to end are a valid file.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from napari_medclf.domain.errors import DatasetError
from napari_medclf.store.strokes.moment import Moment

VERSION = 1
_MAGIC = b"\xa5STK"
_FRAME = struct.Struct("<4sII")
_START = struct.Struct("<BIQ")
_MOST_BYTES = 1 << 30


class RecordKind(IntEnum):
    """What a record holds."""

    HEAD = 0
    STROKE = 1
    MARK = 2
    """A class click or another thing said without painting."""
    BASE = 3
    """Labels were put under the strokes that follow: a model's answer, or a checkpoint."""
    SAVED = 4
    """The labels were saved as an answer, with their digest."""
    HEARD = 5
    """A model said something else than before, also where a person has the last word."""


_KINDS = frozenset(RecordKind)


@dataclass(frozen=True)
class Record:
    """One record, and who wrote it."""

    kind: RecordKind
    writer_id: str
    seq: int
    t_ns: int
    body: bytes

    @property
    def moment(self) -> Moment:
        """Where it stands in the common history."""
        return Moment(self.t_ns, self.writer_id, self.seq)

    @property
    def key(self) -> tuple[str, int]:
        """What no other record has."""
        return (self.writer_id, self.seq)


def pack(kind: RecordKind, seq: int, t_ns: int, body: bytes) -> bytes:
    """Frame a body for the file."""
    payload = _START.pack(kind, seq, t_ns) + body
    return _FRAME.pack(_MAGIC, len(payload), zlib.crc32(payload)) + payload


def pack_head(writer_id: str, image_digest: str, t_ns: int) -> bytes:
    """Frame the beginning of a writer's records."""
    about = {"version": VERSION, "writer_id": writer_id, "image_digest": image_digest}
    return pack(RecordKind.HEAD, 0, t_ns, json.dumps(about).encode())


@dataclass(frozen=True)
class Scan:
    """What stands in a piece of a file.

    Parameters
    ----------
    end : int
        Where the last whole record ends: what follows was torn, or is being written.
    n_damaged : int
        Bytes before `end` that belong to no whole record.
    """

    records: tuple[Record, ...]
    end: int
    n_damaged: int
    writer_id: str
    image_digest: str = ""


def scan(content: bytes, writer_id: str = "") -> Scan:
    """Read records, stepping over damaged ones.

    Parameters
    ----------
    writer_id : str
        Who writes until a HEAD says another, for a piece from the middle of a file.

    Raises
    ------
    DatasetError
        If it was written by a newer version.
    """
    records, end, n_damaged, image_digest = [], 0, 0, ""
    for start, stop, payload in _frames(content):
        n_damaged += start - end
        end = stop
        kind, seq, t_ns = _START.unpack_from(payload)
        body = payload[_START.size :]
        if kind == RecordKind.HEAD:
            about = _head(body)
            writer_id, image_digest = str(about["writer_id"]), str(about["image_digest"])
        elif kind in _KINDS:
            records.append(Record(RecordKind(kind), writer_id, seq, t_ns, body))
    return Scan(tuple(records), end, n_damaged, writer_id, image_digest)


def _frames(content: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Yield (start, end, payload) of every whole record."""
    at = content.find(_MAGIC)
    while at >= 0:
        payload = _payload_at(content, at)
        if payload is None:
            at = content.find(_MAGIC, at + 1)
            continue
        end = at + _FRAME.size + len(payload)
        yield at, end, payload
        at = end if content.startswith(_MAGIC, end) else content.find(_MAGIC, end)


def _payload_at(content: bytes, at: int) -> bytes | None:
    if len(content) < at + _FRAME.size:
        return None
    _, length, crc = _FRAME.unpack_from(content, at)
    payload = content[at + _FRAME.size : at + _FRAME.size + length] if length <= _MOST_BYTES else b""
    is_whole = len(payload) == length and length >= _START.size and zlib.crc32(payload) == crc
    return payload if is_whole else None


def _head(body: bytes) -> dict[str, Any]:
    about: dict[str, Any] = json.loads(body)
    if about["version"] > VERSION:
        raise DatasetError(f"The stroke journal was written by a newer version ({about['version']}); update medclf.")
    return about
