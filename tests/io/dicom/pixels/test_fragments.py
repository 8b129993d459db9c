import io
import struct
from pathlib import Path

import pytest

from napari_medclf.domain.errors import ReadError
from napari_medclf.io.dicom.pixels.fragments import find_frames, read_frame

HERE = Path("film.dcm")
SOI = b"\xff\xd8\xff"


def item(data):
    return b"\xfe\xff\x00\xe0" + struct.pack("<I", len(data)) + data


def packed(*pieces, table=b"", end=b"\xfe\xff\xdd\xe0\x00\x00\x00\x00"):
    return io.BytesIO(b"head" + item(table) + b"".join(item(piece) for piece in pieces) + end)


def frames(file, n_frames):
    return [read_frame(HERE, file, pieces) for pieces in find_frames(HERE, file, 4, n_frames)]


def test_one_piece_a_frame_needs_no_table():
    assert frames(packed(b"one ", b"two ", b"three "), 3) == [b"one ", b"two ", b"three "]


def test_all_pieces_of_a_single_frame_are_joined():
    assert frames(packed(b"ab", b"cd", b"ef"), 1) == [b"abcdef"]


def test_table_tells_frames_of_several_pieces_apart():
    table = struct.pack("<II", 0, 20)  # the second frame begins after pieces of 8 + 2 bytes each
    assert frames(packed(b"ab", b"cd", b"ef", table=table), 2) == [b"abcd", b"ef"]


def test_without_a_table_a_frame_begins_where_a_stream_begins():
    assert frames(packed(SOI + b"1", b"rest", SOI + b"2", SOI + b"3", b"tail"), 3) == [
        SOI + b"1rest",
        SOI + b"2",
        SOI + b"3tail",
    ]


def test_what_follows_the_samples_is_not_looked_at():
    file = packed(b"one ", end=b"\xfe\xff\xdd\xe0\x00\x00\x00\x00" + b"\xff" * 99)
    assert frames(file, 1) == [b"one "]
    assert frames(packed(b"one ", end=b"\xff" * 3), 1) == [b"one "]


@pytest.mark.parametrize(("n_frames", "found"), [(2, 3), (7, 3)])
def test_another_number_of_frames_than_declared_is_refused(n_frames, found):
    file = packed(SOI + b"1", SOI + b"2", SOI + b"3")
    with pytest.raises(ReadError, match=f"holds {found} packed frames, and its header declares {n_frames}"):
        find_frames(HERE, file, 4, n_frames)


def test_piece_that_reaches_past_the_file_is_refused_before_it_is_read():
    file = io.BytesIO(b"head" + item(b"") + b"\xfe\xff\x00\xe0" + struct.pack("<I", 2**31) + b"short")
    with pytest.raises(ReadError, match="truncated: a packed frame takes 2147483648 bytes, and 5 are there"):
        find_frames(HERE, file, 4, 1)


@pytest.mark.parametrize("data", [b"head", b"head" + b"\0" * 20])
def test_missing_items_are_refused(data):
    with pytest.raises(ReadError, match="no packed samples"):
        find_frames(HERE, io.BytesIO(data), 4, 1)
