"""From stored samples to their meaning: one array a stack, with as few copies as can be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_medclf.domain.arrays import PixelArray
from napari_medclf.domain.errors import ReadError
from napari_medclf.io.dicom.decode import decode_file
from napari_medclf.io.dicom.header import Header
from napari_medclf.io.dicom.layout import Pixels
from napari_medclf.io.preflight import check_budget, refusing

# PS3.3 C.8.7.1.1.2: on these the modality LUT undoes the detector's curve for subtraction, not for display.
_UNAPPLIED_LUT = ("XA", "RF")


def read_gray(headers: Sequence[Header], warnings: list[str]) -> PixelArray:
    """Read (n_files * n_frames, J, I) samples, rescaled; whole numbers stay whole.

    MONOCHROME1, whose low values are bright, is turned round, so that high is bright everywhere.

    Raises
    ------
    ReadError
        Naming the file that could not be decoded.
    """
    check_budget(headers[0].path, 2 * sum(header.pixels.n_bytes for header in headers))
    if headers[0].has_lut and headers[0].modality in _UNAPPLIED_LUT:
        warnings.append("Its X-ray intensity table (modality LUT) was left out, as for display.")
    elif any(header.has_lut for header in headers):
        return np.concatenate([_read_with_lut(header) for header in headers])
    if _has_one_scale(headers):
        return _read_evenly(headers, warnings)
    frames = []
    for header in headers:
        stored = _turn(_load(header, warnings), header.pixels)
        frames.append((stored * header.slope + header.intercept).astype(np.float32))
    return np.concatenate(frames)


def _has_one_scale(headers: Sequence[Header]) -> bool:
    first = headers[0]
    same = all(
        (header.slope, header.intercept, header.pixels.is_signed, header.pixels.bits_allocated)
        == (first.slope, first.intercept, first.pixels.is_signed, first.pixels.bits_allocated)
        for header in headers
    )
    return same and first.slope == 1 and float(first.intercept).is_integer()


def _read_evenly(headers: Sequence[Header], warnings: list[str]) -> PixelArray:
    """Fill one array in place and shift it by the intercept, without ever holding a second one."""
    pixels = headers[0].pixels
    n_frames = pixels.n_frames
    volume = np.empty((len(headers) * n_frames, pixels.rows, pixels.columns), stored_dtype(pixels))
    for number, header in enumerate(headers):
        target = volume[number * n_frames : (number + 1) * n_frames]
        if header.pixels.length:
            _read_into(header, target, warnings)
        else:
            target[...] = _load(header, warnings)
        if header.pixels.photometric == "MONOCHROME1":
            target[...] = _turn(target, header.pixels)
    return shift(volume, int(headers[0].intercept))


def shift(volume: NDArray[Any], intercept: int) -> PixelArray:
    """Add a whole number; in place, where the result fits 16 bits.

    >>> shift(np.array([0, 4095], np.uint16), -1024)
    array([-1024,  3071], dtype=int16)
    """
    if intercept == 0:
        return volume
    low, high = int(volume.min()) + intercept, int(volume.max()) + intercept
    if volume.dtype.itemsize == 2 and low >= -(2**15) and high < 2**15:
        # Sixteen-bit sums wrap round, so the unsigned one holds the signed one's bits.
        np.add(volume.view(np.uint16), np.uint16(intercept % 2**16), out=volume.view(np.uint16))
        return volume.view(np.int16)
    wide = np.promote_types(np.promote_types(np.min_scalar_type(low), np.min_scalar_type(high)), np.int16)
    return np.add(volume, intercept, dtype=wide, casting="unsafe")


def stored_dtype(pixels: Pixels) -> np.dtype[Any]:
    """Native dtype of stored samples."""
    return np.dtype(f"{'i' if pixels.is_signed else 'u'}{pixels.bits_allocated // 8}")


def stored_limits(pixels: Pixels) -> tuple[int, int]:
    """Lowest and highest value that the stored bits can hold."""
    if pixels.is_signed:
        return -(2 ** (pixels.bits_stored - 1)), 2 ** (pixels.bits_stored - 1) - 1
    return 0, 2**pixels.bits_stored - 1


def _load(header: Header, warnings: list[str]) -> NDArray[Any]:
    """Stored samples of one file as (n_frames, J, I)."""
    pixels = header.pixels
    if not pixels.length:
        decoded = decode_file(header.path).reshape(pixels.n_frames, pixels.rows, pixels.columns)
        return decoded.astype(stored_dtype(pixels), copy=False) if decoded.dtype.kind in "iu" else decoded
    target = np.empty((pixels.n_frames, pixels.rows, pixels.columns), stored_dtype(pixels))
    _read_into(header, target, warnings)
    return target


def _read_into(header: Header, target: NDArray[Any], warnings: list[str]) -> None:
    pixels = header.pixels
    try:
        with header.path.open("rb", buffering=0) as file:
            file.seek(pixels.offset)
            n_read = file.readinto(memoryview(target).cast("B"))
    except OSError as error:
        raise ReadError(header.path, f"cannot be read ({error.strerror or error})") from error
    if n_read != target.nbytes:
        raise ReadError(header.path, f"is truncated: {n_read} of {target.nbytes} bytes of samples are there")
    if not pixels.is_little_endian and target.dtype.itemsize > 1:
        target.byteswap(inplace=True)
    _cut_unused_bits(target, pixels, warnings)


def _cut_unused_bits(target: NDArray[Any], pixels: Pixels, warnings: list[str]) -> None:
    """Clear what stands above the stored bits (old overlays lie there), PS3.5 8.1.1."""
    unused = pixels.bits_allocated - pixels.bits_stored
    if unused == 0:
        return
    low, high = stored_limits(pixels)
    if target.min() >= low and target.max() <= high:
        return
    np.left_shift(target, unused, out=target)
    np.right_shift(target, unused, out=target)
    note = f"Bits above the {pixels.bits_stored} stored ones were set (an overlay?) and left out."
    if note not in warnings:
        warnings.append(note)


def _turn(stored: NDArray[Any], pixels: Pixels) -> NDArray[Any]:
    if pixels.photometric != "MONOCHROME1":
        return stored
    low, high = stored_limits(pixels)
    return np.asarray(stored.dtype.type(low + high) - stored)


def _read_with_lut(header: Header) -> PixelArray:
    """Samples through the modality LUT, PS3.3 C.11.1."""
    with refusing(header.path, "has a damaged modality LUT", with_text=False):
        from pydicom import dcmread
        from pydicom.pixels.processing import apply_modality_lut

        dataset = dcmread(header.path, stop_before_pixels=True, force=True)
        stored = _load(header, [])
        return np.asarray(apply_modality_lut(stored, dataset))
