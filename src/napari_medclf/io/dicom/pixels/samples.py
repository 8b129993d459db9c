"""From stored samples to their meaning: one array a stack, with as few copies as can be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_medclf.domain.arrays import PixelArray
from napari_medclf.io.dicom.header import Header
from napari_medclf.io.dicom.pixels.lut import Lut, find_lut
from napari_medclf.io.dicom.pixels.planes import Plane, fetch, planes_of, stored_dtype
from napari_medclf.io.dicom.pixels.stored import meant, stored_limits, turned
from napari_medclf.io.dicom.quiet import quiet
from napari_medclf.io.preflight import check_budget, refusing

# PS3.3 C.8.7.1.1.2: on these the modality LUT undoes the detector's curve for subtraction, not for display.
_UNAPPLIED_LUT = ("XA", "RF")

Meaning = Callable[[NDArray[Any]], NDArray[Any]]
"""From stored samples of one plane, which it may overwrite, to what they mean."""


def read_gray(headers: Sequence[Header], warnings: list[str]) -> PixelArray:
    """Read (n_planes, J, I) samples, rescaled; whole numbers stay whole.

    A header that names one frame of a multi-frame file is one plane; one that names none is all its frames.
    MONOCHROME1, whose low values are bright, is turned round, so that high is bright everywhere.

    Raises
    ------
    ReadError
        Naming the file that could not be decoded.
    """
    first = headers[0]
    planes = planes_of(headers)
    dtype = gray_dtype(headers)
    check_budget(first.path, len(planes) * first.pixels.rows * first.pixels.columns * dtype.itemsize)
    if first.has_lut and not _uses_lut(first):
        warnings.append("Its X-ray intensity table (modality LUT) was left out, as for display.")
    notes: set[str] = set()
    if has_one_scale(headers):
        volume = shift(_read_evenly(planes, notes), int(first.intercept))
    else:
        volume = _read_one_by_one(planes, dtype, notes)
    warnings.extend(sorted(notes))
    return volume


def has_one_scale(headers: Sequence[Header]) -> bool:
    """Whether all samples become what they mean by adding the same whole number."""
    first = headers[0]
    same = all(
        (header.slope, header.intercept, _suv(header), stored_dtype(header.pixels))
        == (first.slope, first.intercept, _suv(first), stored_dtype(first.pixels))
        and not _uses_lut(header)
        for header in headers
    )
    return same and first.slope * _suv(first) == 1 and float(first.intercept).is_integer()


def gray_dtype(headers: Sequence[Header]) -> np.dtype[Any]:
    """Type that holds every sample of a stack, whatever the samples are."""
    first = headers[0]
    if any(_uses_lut(header) for header in headers):
        return np.dtype(np.uint16 if all(_uses_lut(header) for header in headers) else np.float32)
    if first.pixels.is_float:
        return stored_dtype(first.pixels)
    if not has_one_scale(headers):
        return np.dtype(np.float32)
    if first.intercept == 0:
        return stored_dtype(first.pixels)
    limits = np.array([stored_limits(header.pixels) for header in headers]) + int(first.intercept)
    return _wide_enough(int(limits.min()), int(limits.max()))


def meaning_of(header: Header, dtype: np.dtype[Any], notes: set[str]) -> Meaning:
    """Give the function that brings stored samples of a plane to what they mean.

    Raises
    ------
    ReadError
        If the modality LUT is damaged.
    """
    lut = _modality_lut(header) if _uses_lut(header) else None
    slope, intercept = header.slope * _suv(header), header.intercept * _suv(header)

    def mean(stored: NDArray[Any]) -> NDArray[Any]:
        stored = meant(stored, header.pixels, notes)
        if lut is not None:
            found = lut.apply(stored)
            found = 2**lut.bits - 1 - found if header.pixels.photometric == "MONOCHROME1" else found
            return np.asarray(found).astype(dtype)
        stored = turned(stored, header.pixels)
        if (slope, intercept) == (1, 0):
            return stored.astype(dtype, copy=False)
        if dtype.kind in "iu":
            return np.add(stored, int(intercept), dtype=dtype, casting="unsafe")
        return (stored * np.float64(slope) + intercept).astype(dtype)

    return mean


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
    return np.add(volume, intercept, dtype=_wide_enough(low, high), casting="unsafe")


def _wide_enough(low: int, high: int) -> np.dtype[Any]:
    fits = (one for one in (np.int16, np.int32) if np.iinfo(one).min <= low and high <= np.iinfo(one).max)
    return np.dtype(next(fits, np.int64))


def _read_evenly(planes: Sequence[Plane], notes: set[str]) -> NDArray[Any]:
    """Fill one array in place, without ever holding a second one."""
    pixels = planes[0].header.pixels
    volume = np.empty((len(planes), pixels.rows, pixels.columns), stored_dtype(pixels))

    def put(n: int, stored: NDArray[Any]) -> None:
        found = turned(meant(stored, planes[n].header.pixels, notes), planes[n].header.pixels)
        if not np.may_share_memory(found, volume):
            volume[n] = found

    fetch(planes, put, volume)
    return volume


def _read_one_by_one(planes: Sequence[Plane], dtype: np.dtype[Any], notes: set[str]) -> NDArray[Any]:
    """Rescale each plane by its own header."""
    pixels = planes[0].header.pixels
    volume = np.empty((len(planes), pixels.rows, pixels.columns), dtype)
    headers = {id(plane.header): plane.header for plane in planes}  # the frames of a film share one, and its table
    meanings = {key: meaning_of(header, dtype, notes) for key, header in headers.items()}

    def put(n: int, stored: NDArray[Any]) -> None:
        volume[n] = meanings[id(planes[n].header)](stored)

    fetch(planes, put)
    return volume


def _uses_lut(header: Header) -> bool:
    return header.has_lut and header.modality not in _UNAPPLIED_LUT


def _suv(header: Header) -> float:
    return 1.0 if header.suv_factor is None else header.suv_factor


def _modality_lut(header: Header) -> Lut:
    """Table of PS3.3 C.11.1."""
    with refusing(header.path, "has a damaged modality LUT", with_text=False), quiet():
        from pydicom import dcmread

        dataset = dcmread(header.path, stop_before_pixels=True, force=True)
        pixels = header.pixels
        (item,) = dataset.ModalityLUTSequence[:1]
        return find_lut(item, is_signed=pixels.is_signed, is_little_endian=pixels.is_little_endian)
