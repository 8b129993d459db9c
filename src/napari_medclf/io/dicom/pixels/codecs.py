"""One packed frame to stored samples; every decoder is of imagecodecs and lets other threads run."""

from __future__ import annotations

import itertools
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_medclf.domain.errors import ReadError
from napari_medclf.io.dicom.layout import Pixels
from napari_medclf.io.dicom.pixels.codestream import Stream, read_stream
from napari_medclf.io.dicom.pixels.syntax import (
    DEFLATED_FRAMES,
    JPEG,
    JPEG_2000,
    JPEG_LOSSLESS,
    JPEG_LS,
    JPEG_XL,
    RLE,
    syntax_name,
)
from napari_medclf.io.dicom.pixels.ybr import ybr_to_rgb
from napari_medclf.io.preflight import refusing
from napari_medclf.io.raster.jpeg_end import FILLING

Samples = NDArray[Any]
_HAS_HEADER = frozenset((*JPEG, *JPEG_LS, *JPEG_2000))
_RGB_LETTERS = (ord("R"), ord("G"), ord("B"))
_RLE_HEADER = 64
_END_OF_IMAGE = b"\xff\xd9"
# No real picture of this size packs as well; small blank ones do.
_LARGE_BYTES, _MOST_RATIO = 2**26, 2000
_START_OF_SCAN = b"\xff\xda"
# Progressive pictures have about ten; libjpeg-turbo's own tools draw the line here, too.
_MOST_SCANS = 500


@dataclass(frozen=True)
class _Frame:
    """What a decoder is told beside the bytes."""

    pixels: Pixels
    stream: Stream | None
    n_threads: int


def unpack_frame(path: Path, pixels: Pixels, data: bytes, n_threads: int = 1) -> Samples:
    """Unpack one frame to ``(J, I)`` or ``(J, I, 3)`` samples as stored, in native byte order.

    Colour comes as RGB. One-bit samples come as 0 and 1.

    Raises
    ------
    ReadError
        Naming the transfer syntax, if the frame is damaged or declares another size than the file; the latter
        before anything is unpacked.
    """
    uid = pixels.transfer_syntax_uid
    _check_ratio(path, pixels, len(data))
    stream = checked_stream(path, pixels, data) if uid in _HAS_HEADER else None
    with refusing(path, f"has damaged samples ({syntax_name(uid)})", with_text=False):
        samples = np.asarray(_DECODERS[uid](data, _Frame(pixels, stream, n_threads)))
        if samples.dtype.itemsize * 8 > max(pixels.bits_allocated, 8):
            raise _lying(path, pixels, f"samples of {samples.dtype.itemsize * 8} bits")
        shape: tuple[int, ...] = (pixels.rows, pixels.columns)
        samples = samples.reshape(shape if pixels.samples_per_pixel == 1 else (*shape, 3))
        samples = ybr_to_rgb(samples, pixels.bits_stored) if _is_left_ybr(pixels, stream) else samples
        return np.require(samples, requirements=["C", "W"])


def _check_ratio(path: Path, pixels: Pixels, packed_bytes: int) -> None:
    """Refuse a large frame out of next to nothing: unpacking needs several times its size."""
    n_bytes = pixels.n_bytes // pixels.n_frames
    if n_bytes > _LARGE_BYTES and n_bytes > _MOST_RATIO * packed_bytes:
        raise ReadError(
            path, f"declares {n_bytes / 2**20:.0f} MiB of samples in a frame of {packed_bytes} packed bytes"
        )


def checked_stream(path: Path, pixels: Pixels, data: bytes) -> Stream:
    """Read what a JPEG, JPEG-LS or JPEG 2000 frame declares, and refuse what is not the file's size.

    Raises
    ------
    ReadError
        With both sizes, or if the frame has no header of its own.
    """
    stream = read_stream(data)
    # libjpeg makes up what is missing at the end, and CharLS 2.4 may look for it for seconds; others refuse it at once.
    ends_early = pixels.transfer_syntax_uid in (*JPEG, *JPEG_LS) and _END_OF_IMAGE not in data
    if stream is None or ends_early:
        missing = "its beginning" if stream is None else "its end"
        name = syntax_name(pixels.transfer_syntax_uid)
        raise ReadError(path, f"has damaged samples ({name}): a frame without {missing}", "Fetch the file again.")
    if pixels.transfer_syntax_uid in JPEG and data.count(_START_OF_SCAN) > _MOST_SCANS:
        raise ReadError(path, f"packs a picture in more than {_MOST_SCANS} JPEG scans, which would take for ever")
    if (stream.rows, stream.columns, stream.n_samples) != (pixels.rows, pixels.columns, pixels.samples_per_pixel):
        raise _lying(path, pixels, f"{stream.rows} x {stream.columns} pixels of {stream.n_samples} samples")
    return stream


def _lying(path: Path, pixels: Pixels, found: str) -> ReadError:
    return ReadError(
        path,
        f"packs {found} ({syntax_name(pixels.transfer_syntax_uid)}) where its header declares "
        f"{pixels.rows} x {pixels.columns} pixels of {pixels.samples_per_pixel} samples, {pixels.bits_allocated} bit",
    )


def _jpeg_2000(data: bytes, frame: _Frame) -> Samples:
    import imagecodecs

    return imagecodecs.jpeg2k_decode(data, numthreads=frame.n_threads)


def _jpeg_ls(data: bytes, frame: _Frame) -> Samples:
    import imagecodecs

    return imagecodecs.jpegls_decode(data)


def _whole_jpeg(data: bytes, frame: _Frame) -> Samples:
    """Decode, and refuse what libjpeg made up behind an early end marker, where its last block is of one value.

    Bytes put in front of the marker change the picture only where blocks are still missing.
    """
    samples = _jpeg(data, frame)
    last = samples[-8:, -8:]
    if (last == last[-1, -1]).all():
        end = data.find(_END_OF_IMAGE, data.find(_START_OF_SCAN))
        filled = _jpeg(data[:end] + FILLING + data[end:], frame)
        if not np.array_equal(samples, filled):
            raise ValueError("blocks are missing")
    return samples


def _jpeg(data: bytes, frame: _Frame) -> Samples:
    """Baseline to lossless, 2 to 16 bits; the colour space is told, as libjpeg would guess it."""
    import imagecodecs

    if frame.stream is None or frame.stream.n_samples == 1:
        return imagecodecs.jpeg8_decode(data)
    # The lossless process knows no colour transform, so its samples come as they are.
    as_it_is = frame.pixels.transfer_syntax_uid in JPEG_LOSSLESS or _is_rgb(frame.pixels, frame.stream)
    space = "RGB" if as_it_is else "YCBCR"
    return imagecodecs.jpeg8_decode(data, colorspace=space, outcolorspace="RGB")


def _is_rgb(pixels: Pixels, stream: Stream) -> bool:
    """Whether a JPEG holds red, green and blue: by its own marks first (PS3.5 8.2.1), then by the file's header."""
    if stream.transform is not None:
        return stream.transform == 0
    return stream.component_ids == _RGB_LETTERS or not pixels.photometric.startswith("YBR")


def _is_left_ybr(pixels: Pixels, stream: Stream | None) -> bool:
    """Whether the decoder left luminance and chrominance as they were."""
    if pixels.samples_per_pixel == 1 or pixels.photometric not in ("YBR_FULL", "YBR_FULL_422"):
        return False
    if pixels.transfer_syntax_uid in JPEG_2000:
        return stream is not None and not stream.is_mixed
    return pixels.transfer_syntax_uid in (*JPEG_LS, *RLE, *DEFLATED_FRAMES, *JPEG_LOSSLESS)


def _jpeg_xl(data: bytes, frame: _Frame) -> Samples:
    """Decode into an array of the declared size, which a frame of another size does not fit."""
    import imagecodecs

    pixels = frame.pixels
    shape: tuple[int, ...] = (pixels.rows, pixels.columns)
    shape = shape if pixels.samples_per_pixel == 1 else (*shape, pixels.samples_per_pixel)
    return imagecodecs.jpegxl_decode(data, out=np.empty(shape, f"u{pixels.bits_allocated // 8}"))


def _run_length(data: bytes, frame: _Frame) -> Samples:
    """PS3.5 annex G: one run of bytes a sample and byte, highest byte first; bits are packed by eights."""
    import imagecodecs

    pixels = frame.pixels
    n_bytes = max(pixels.bits_allocated // 8, 1)
    _check_segments(data, n_bytes * pixels.samples_per_pixel)
    plain = imagecodecs.dicomrle_decode(data, f"u{n_bytes}")
    if pixels.bits_allocated == 1:
        return _bits(plain, pixels)
    planes = np.frombuffer(plain, f"u{n_bytes}", pixels.samples_per_pixel * pixels.rows * pixels.columns)
    planes = planes.reshape(pixels.samples_per_pixel, pixels.rows, pixels.columns)
    return planes[0] if len(planes) == 1 else np.moveaxis(planes, 0, -1)


def _check_segments(data: bytes, n_segments: int) -> None:
    """Refuse segments that lie outside the frame: imagecodecs 2026.3 would read there, and crash."""
    if len(data) < _RLE_HEADER:
        raise ValueError("no RLE header")
    found, *offsets = struct.unpack("<16I", data[:_RLE_HEADER])
    used = [*offsets[:n_segments], len(data)]
    if found != n_segments or used[0] < _RLE_HEADER or any(b <= a for a, b in itertools.pairwise(used)):
        raise ValueError("RLE segments outside their frame")


def _inflate(data: bytes, frame: _Frame) -> Samples:
    """Deflated frames, PS3.5 A.4.13, unpacked no further than the frame's size."""
    pixels = frame.pixels
    n_bits = pixels.rows * pixels.columns * pixels.samples_per_pixel * pixels.bits_allocated
    n_bytes = (n_bits + 7) // 8
    plain = zlib.decompressobj(-zlib.MAX_WBITS).decompress(data, n_bytes)
    if pixels.bits_allocated == 1:
        return _bits(plain, pixels)
    return np.frombuffer(plain, f"<u{pixels.bits_allocated // 8}", n_bytes * 8 // pixels.bits_allocated)


def _bits(plain: bytes | bytearray, pixels: Pixels) -> Samples:
    """One bit a sample, lowest bit first, PS3.5 8.1.1."""
    n_bits = pixels.rows * pixels.columns
    packed = np.frombuffer(plain, np.uint8, (n_bits + 7) // 8)
    return np.unpackbits(packed, count=n_bits, bitorder="little")


_DECODERS: dict[str, Callable[[bytes, _Frame], Samples]] = {
    **dict.fromkeys(JPEG_2000, _jpeg_2000),
    **dict.fromkeys(JPEG_LS, _jpeg_ls),
    **dict.fromkeys(JPEG, _whole_jpeg),
    **dict.fromkeys(JPEG_XL, _jpeg_xl),
    **dict.fromkeys(RLE, _run_length),
    **dict.fromkeys(DEFLATED_FRAMES, _inflate),
}
