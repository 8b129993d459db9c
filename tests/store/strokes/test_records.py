from __future__ import annotations

import json

import pytest

from napari_medclf.domain.errors import DatasetError
from napari_medclf.store.strokes.records import RecordKind, pack, pack_head, scan


def _file(n: int) -> tuple[bytes, list[int]]:
    """A file with n records, and where each ends."""
    content, ends = pack_head("ada", "5e" * 32, 1), []
    for seq in range(1, n + 1):
        content += pack(RecordKind.STROKE, seq, seq * 10, b"\xa5STK" * seq)
        ends.append(len(content))
    return content, ends


def test_file_cut_at_every_byte_gives_every_whole_record():
    content, ends = _file(5)
    for length in range(len(content) + 1):
        found = scan(content[:length])
        n_whole = sum(end <= length for end in ends)
        assert [one.seq for one in found.records] == list(range(1, n_whole + 1))
        assert found.end == max(end for end in (0, len(pack_head("ada", "5e" * 32, 1)), *ends) if end <= length)


def test_every_flipped_byte_loses_one_record_at_most():
    content, ends = _file(4)
    for place in range(len(pack_head("ada", "5e" * 32, 1)), len(content)):
        damaged = bytearray(content)
        damaged[place] ^= 0x55
        found = scan(bytes(damaged))
        hit = next(number for number, end in enumerate(ends, start=1) if place < end)
        assert [one.seq for one in found.records] == [seq for seq in range(1, 5) if seq != hit]
        assert found.n_damaged or hit == 4


def test_zeros_at_the_end_as_a_power_cut_leaves_them_are_no_record():
    content, _ = _file(3)
    assert len(scan(content + bytes(5000)).records) == 3
    assert scan(content + bytes(5000)).end == len(content)


def test_joined_files_keep_their_writers():
    two = pack_head("grace", "5e" * 32, 1) + pack(RecordKind.MARK, 1, 5, b"{}")
    assert [(one.writer_id, one.seq) for one in scan(_file(1)[0] + two).records] == [("ada", 1), ("grace", 1)]


def test_newer_version_is_refused():
    head = pack(RecordKind.HEAD, 0, 1, json.dumps({"version": 2, "writer_id": "a", "image_digest": ""}).encode())
    with pytest.raises(DatasetError, match="newer version"):
        scan(head)


def test_kind_of_a_newer_program_is_stepped_over():
    content = _file(1)[0] + pack(99, 2, 20, b"?") + pack(RecordKind.STROKE, 3, 30, b"")  # type: ignore[arg-type]
    assert [one.seq for one in scan(content).records] == [1, 3]
