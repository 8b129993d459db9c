"""How and where the samples of a file are stored, checked against its size."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from napari_medclf.domain.errors import ReadError
from napari_medclf.io.dicom import tags
from napari_medclf.io.dicom.pixels.syntax import DEFLATED, NATIVE, check_syntax
from napari_medclf.io.preflight import check_budget

_PREAMBLE = 132
_CHUNK = 2**20
# A deflated object must be unpacked whole, and several times, before anything is known of it.
_MOST_INFLATED = 2**28
_PIXEL_DATA = (0x7FE0, 0x0010)
_SAMPLE_VRS = (b"OW", b"OB", b"UN", b"OF", b"OD")
_FLOAT_DATA = ((0x7FE0, 0x0008), (0x7FE0, 0x0009))
_ITEM_HEADER = 8
_UNDEFINED_LENGTH = 0xFFFFFFFF


@dataclass(frozen=True)
class Pixels:
    """How the samples of a file are stored.

    `offset` and `length` are of the sample bytes in the file. The length is 0 where the samples are packed
    (then `offset` is where their items begin) or the whole file is deflated (then it is 0 too).
    `high_bit` is where the stored bits end, `bits_stored` - 1 as a rule; `is_float` tells of
    FloatPixelData and DoubleFloatPixelData; `is_planar` of colours that lie plane after plane,
    `has_swapped_bytes` of eight-bit samples written as big-endian words.
    """

    transfer_syntax_uid: str
    is_little_endian: bool
    rows: int
    columns: int
    n_frames: int
    samples_per_pixel: int
    photometric: str
    bits_allocated: int
    bits_stored: int
    is_signed: bool
    offset: int
    length: int
    high_bit: int = -1
    is_float: bool = False
    is_planar: bool = False
    has_swapped_bytes: bool = False

    @property
    def is_colour(self) -> bool:
        """Whether this becomes red, green and blue."""
        return self.samples_per_pixel > 1 or self.photometric == "PALETTE COLOR"

    @property
    def n_bytes(self) -> int:
        """What the samples take when unpacked."""
        n_samples = self.rows * self.columns * self.n_frames * self.samples_per_pixel
        return n_samples * max(self.bits_allocated // 8, 1)


def read_layout(path: Path, dataset: Any, file: BinaryIO, size: int) -> Pixels:
    """Read the layout from a data set whose parser stopped at the samples in `file`.

    Raises
    ------
    ReadError
        If samples are packed in a way that cannot be undone, have odd bits, are fewer than declared, or
        would not fit into memory.
    """
    _, is_little = dataset.original_encoding
    uid = tags.meta_text(dataset, "TransferSyntaxUID")
    check_syntax(path, uid)
    is_float = _has_floats(dataset, file)
    offset, length, vr = _locate(file, bool(is_little)) if uid != DEFLATED else (0, 0, b"")
    bits_allocated = tags.count(path, dataset, "BitsAllocated")
    bits_stored = bits_allocated if is_float else tags.count(path, dataset, "BitsStored", bits_allocated)
    pixels = Pixels(
        transfer_syntax_uid=uid,
        is_little_endian=bool(is_little),
        rows=tags.count(path, dataset, "Rows"),
        columns=tags.count(path, dataset, "Columns"),
        n_frames=max(int(tags.number(dataset, "NumberOfFrames", 1)), 1),
        samples_per_pixel=tags.count(path, dataset, "SamplesPerPixel", 1),
        photometric=tags.text(dataset, "PhotometricInterpretation"),
        bits_allocated=bits_allocated,
        bits_stored=bits_stored,
        is_signed=tags.number(dataset, "PixelRepresentation", 0) == 1,
        offset=offset,
        length=length if uid in NATIVE else 0,
        high_bit=bits_stored - 1 if is_float else int(tags.number(dataset, "HighBit", bits_stored - 1)),
        is_float=is_float,
        has_swapped_bytes=vr == b"OW" and not is_little and bits_allocated == 8,
        is_planar=tags.number(dataset, "PlanarConfiguration", 0) == 1,
    )
    if bits_allocated not in ((32, 64) if is_float else (8, 16, 32)) or not 1 <= bits_stored <= bits_allocated:
        raise ReadError(path, f"has {pixels.bits_stored} of {pixels.bits_allocated} bits a sample, which is not read")
    _check_length(path, pixels, size)
    return pixels


def is_at_pixels(dataset: Any, file: BinaryIO) -> bool:
    """Whether the parser stopped at samples; a deflated data set is parsed from memory, so it is asked."""
    if tags.meta_text(dataset, "TransferSyntaxUID") == DEFLATED:
        return "Rows" in dataset
    return _tag_ahead(dataset, file) in (_PIXEL_DATA, *_FLOAT_DATA)


def _has_floats(dataset: Any, file: BinaryIO) -> bool:
    """Whether samples are floats, PS3.3 C.7.6.24 and C.7.6.25, whose modules know no sign and no stored bits."""
    if tags.meta_text(dataset, "TransferSyntaxUID") == DEFLATED:
        return "PixelRepresentation" not in dataset
    return _tag_ahead(dataset, file) in _FLOAT_DATA


def _tag_ahead(dataset: Any, file: BinaryIO) -> tuple[int, int]:
    _, is_little = dataset.original_encoding
    here = file.tell()
    head = file.read(4)
    file.seek(here)
    order: Any = "big" if is_little is False else "little"
    return (int.from_bytes(head[:2], order), int.from_bytes(head[2:4], order))


def check_inflated(path: Path, file: BinaryIO) -> None:
    """Unpack a deflated file in pieces first: three megabytes can hold gigabytes.

    Raises
    ------
    ReadError
        As soon as the unpacked bytes would not fit into memory, or pass 256 MiB.
    """
    head = file.read(_PREAMBLE + 1024)
    file.seek(0)
    if DEFLATED.encode() not in head or len(head) < _PREAMBLE + 12:
        return
    file.seek(_PREAMBLE + 12 + int.from_bytes(head[_PREAMBLE + 8 : _PREAMBLE + 12], "little"))
    unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
    total = 0
    while packed := unpacker.unconsumed_tail or file.read(_CHUNK):
        total += len(unpacker.decompress(packed, _CHUNK))
        check_budget(path, 3 * total)
        if total > _MOST_INFLATED:
            raise ReadError(
                path, f"is deflated and would grow beyond {_MOST_INFLATED // 2**20} MiB", "Have it sent uncompressed."
            )
    file.seek(0)


def _locate(file: BinaryIO, is_little: bool) -> tuple[int, int, bytes]:
    """Offset, declared length and value representation (empty if implicit) of the samples ahead.

    Some files are implicit though they say explicit; a length is even, and the letters of these VRs are not.
    """
    start = file.tell()
    head = file.read(12)
    order: Any = "little" if is_little else "big"
    if head[4:6] in _SAMPLE_VRS:
        return start + 12, int.from_bytes(head[8:12], order), head[4:6]
    return start + 8, int.from_bytes(head[4:8], order), b""


def _check_n_frames(path: Path, pixels: Pixels, size: int) -> None:
    """Refuse more packed frames than their item headers alone would leave room for, PS3.5 A.4."""
    if pixels.transfer_syntax_uid != DEFLATED and _ITEM_HEADER * pixels.n_frames > size:
        raise ReadError(path, f"declares {pixels.n_frames} frames and has {size} bytes, too few to hold them")


def _check_length(path: Path, pixels: Pixels, size: int) -> None:
    if pixels.transfer_syntax_uid == DEFLATED:
        check_budget(path, pixels.n_bytes)
    check_budget(path, pixels.n_bytes // pixels.n_frames)  # frames can be read one by one
    if pixels.length == 0:
        _check_n_frames(path, pixels, size)
        return
    present = min(pixels.length, size - pixels.offset)
    needed = pixels.n_bytes
    if pixels.photometric == "YBR_FULL_422":
        needed = needed * 2 // 3
    if pixels.length == _UNDEFINED_LENGTH or present < needed:
        frames = f" in {pixels.n_frames} frames" if pixels.n_frames > 1 else ""
        raise ReadError(
            path,
            f"is truncated: {pixels.rows} x {pixels.columns} pixels{frames} take {needed} bytes, "
            f"and {max(present, 0)} are there",
            "Fetch the file again.",
        )
    line = min(pixels.rows, pixels.columns) * pixels.n_bytes // (pixels.n_frames * pixels.rows * pixels.columns)
    if pixels.length - needed >= max(line, 2):  # a line or more beyond what is declared, not mere padding
        raise ReadError(
            path,
            f"holds {pixels.length} bytes of samples, and {pixels.rows} x {pixels.columns} pixels take {needed}; its "
            "header is wrong",
        )
