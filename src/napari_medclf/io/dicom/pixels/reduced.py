"""A picture at a fraction of its size, decoded only as far as that needs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_medclf.domain.errors import ReadError
from napari_medclf.domain.geometry import Geometry
from napari_medclf.domain.image import ChannelKind, MedImage
from napari_medclf.io.dicom.image import limits_of, scale_of, window_of
from napari_medclf.io.dicom.pixels.codecs import checked_stream
from napari_medclf.io.dicom.pixels.codestream import Stream
from napari_medclf.io.dicom.pixels.colour import rgb_converter
from napari_medclf.io.dicom.pixels.planes import (
    Plane,
    each_slab,
    fetch,
    is_packed,
    lies_in_rows,
    packed_frame,
    planes_of,
)
from napari_medclf.io.dicom.pixels.samples import gray_dtype, meaning_of
from napari_medclf.io.dicom.pixels.syntax import JPEG_2000, syntax_name
from napari_medclf.io.dicom.read import scan_files
from napari_medclf.io.preflight import refusing

_SLAB_BYTES = 2**18
_STEP_IN_32_BITS = 128  # 2**14 samples of 16 bits, with a sign, add up to no more


@dataclass(frozen=True, eq=False)
class Reduced:
    """Every `step`-th pixel of a plane.

    Parameters
    ----------
    samples : (J, I) or (J, I, 3)
        Rescaled as `read_gray` does, or RGB.
    offset : float
        Sample (j, i) lies at ``step * j + offset, step * i + offset`` of the whole picture: 0 for JPEG 2000,
        whose low-pass samples lie on the first of each pair, and half a block where blocks were averaged.
    """

    samples: NDArray[Any]
    step: int
    offset: float


def read_reduced(path: Path, at_least_px: int) -> MedImage:
    """Read the one picture of a file with no fewer than `at_least_px` pixels a side, where it has as many.

    JPEG 2000 is decoded at the resolution that is needed, others are decoded whole and averaged. The
    geometry is that of the reduced picture, so every pixel stays where it was in the patient.

    Raises
    ------
    ReadError
        If it cannot be read, or holds more than one picture.
    """
    scan = scan_files([path])
    if scan.refusals:
        raise scan.refusals[0].as_error()
    (stack, *more) = scan.stacks
    header = stack.headers[0]
    if more or len(planes_of(stack.headers)) > 1:
        raise ReadError(path, "holds more than one picture; only single ones are read at a reduced size")
    found = reduce_plane(Plane(header, (header.frame or 1) - 1), at_least_px)
    is_colour = header.pixels.is_colour
    return MedImage(
        data=np.ascontiguousarray(np.moveaxis(found.samples, -1, 0)[:, None] if is_colour else found.samples[None]),
        geometry=reduced_geometry(stack.geometry, found),
        name=stack.name,
        modality=header.modality,
        scale=scale_of(header),
        channel_kind=ChannelKind.COLOUR if is_colour else ChannelKind.NONE,
        channel_names=("red", "green", "blue") if is_colour else (),
        window=None if is_colour else window_of(header),
        limits=limits_of(header),
        source=stack.source,
        warnings=(*stack.notes, f"It was read at 1/{found.step} of its size.") if found.step > 1 else stack.notes,
    )


def reduce_plane(plane: Plane, at_least_px: int) -> Reduced:
    """Decode one plane at the smallest power of two that leaves `at_least_px` pixels a side.

    Raises
    ------
    ReadError
        If the file is damaged.
    """
    header, pixels = plane.header, plane.header.pixels
    times = _halvings(min(pixels.rows, pixels.columns), at_least_px)
    if times and pixels.transfer_syntax_uid in JPEG_2000 and is_packed(pixels):
        data = packed_frame(plane)
        stream = checked_stream(header.path, pixels, data)
        if _can_halve(stream):
            times = min(times, stream.levels)
            with refusing(
                header.path, f"has damaged samples ({syntax_name(pixels.transfer_syntax_uid)})", with_text=False
            ):
                stored = _decode_halved(data, stream, times)
            return Reduced(_meaning(plane, stored), 2**times, 0.0)
    if times and lies_in_rows(pixels):
        return _averaged_by_slabs(plane, 2**times)
    return _averaged(_whole(plane), 2**times)


def reduced_geometry(geometry: Geometry, found: Reduced) -> Geometry:
    """Grid of a reduced plane, each sample where it lies in the whole one."""
    affine = geometry.affine.copy()
    affine[:3, 3] += found.offset * (affine[:3, 1] + affine[:3, 2])
    affine[:3, 1:3] *= found.step
    return replace(geometry, affine=affine, shape=(geometry.shape[0], *found.samples.shape[:2]))


def _halvings(shorter_px: int, at_least_px: int) -> int:
    """How often a picture may be halved."""
    times = 0
    while -(-shorter_px // 2 ** (times + 1)) >= max(at_least_px, 1) and times < 16:
        times += 1
    return times


def _can_halve(stream: Stream) -> bool:
    """Whether Pillow gives the samples as they are: gray to 16 bits, colours of 8 that it mixes back to RGB."""
    return stream.levels > 0 and (
        (stream.n_samples == 1 and stream.bits <= 16)
        or (stream.n_samples == 3 and stream.bits == 8 and not stream.is_signed and stream.is_mixed)
    )


def _decode_halved(data: bytes, stream: Stream, times: int) -> NDArray[Any]:
    from PIL.ImageFile import ImageFile
    from PIL.Jpeg2KImagePlugin import Jpeg2KImageFile

    class Halved(Jpeg2KImageFile):
        """Pillow 13 rounds the reduced size, where the standard rounds up (ISO/IEC 15444-1 B-15)."""

        def load(self) -> Any:
            if self.tile:
                arguments = self.tile[0].args
                if not isinstance(arguments, tuple):
                    raise TypeError("Pillow describes its tiles in another way")
                self._size = (-(-self.size[0] // 2**times), -(-self.size[1] // 2**times))
                reduced = (arguments[0], times, *arguments[2:])
                self.tile = [self.tile[0]._replace(extents=(0, 0, *self.size), args=reduced)]
            return ImageFile.load(self)

    samples = np.asarray(Halved(BytesIO(data)))
    if samples.ndim == 3:
        return samples
    # Pillow moves samples up to the highest bit and shifts signed ones to be positive.
    narrow = samples.astype(np.int32) >> (8 * samples.dtype.itemsize - stream.bits)
    return narrow - 2 ** (stream.bits - 1) if stream.is_signed else narrow


def _meaning(plane: Plane, stored: NDArray[Any]) -> NDArray[Any]:
    if plane.header.pixels.is_colour:
        return rgb_converter(plane.header)(stored)
    return meaning_of(plane.header, gray_dtype([plane.header]), set())(stored)


def _whole(plane: Plane) -> NDArray[Any]:
    found: list[NDArray[Any]] = []
    fetch([plane], lambda _, stored: found.append(_meaning(plane, stored)))
    return found[0]


def _averaged_by_slabs(plane: Plane, step: int) -> Reduced:
    """Average blocks of rows while they are in the cache; the whole plane is never in memory."""
    pixels = plane.header.pixels
    meaning = meaning_of(plane.header, gray_dtype([plane.header]), set())
    n_rows = max(_SLAB_BYTES // (pixels.columns * pixels.bits_allocated // 8) // step, 1) * step
    slabs = [_averaged(meaning(slab), step).samples for slab in each_slab(plane, n_rows)]
    return Reduced(np.concatenate(slabs), step, (step - 1) / 2)


def _averaged(samples: NDArray[Any], step: int) -> Reduced:
    """Average blocks; what is left over at the far edges is less than a block and left out.

    Notes
    -----
    Whole rows are added up first, then columns: an eighth of the time of numpy 2.4's mean over both axes of blocks.
    """
    if step == 1:
        return Reduced(samples, 1, 0.0)
    rows, columns = samples.shape[0] // step, samples.shape[1] // step
    is_whole = samples.dtype.kind in "iu"
    wide = np.dtype(np.int64 if is_whole and (step > _STEP_IN_32_BITS or samples.dtype.itemsize > 2) else np.int32)
    sums = samples[: rows * step, : columns * step]
    for axis in (0, 1):
        parts = [sums[part::step] if axis == 0 else sums[:, part::step] for part in range(step)]
        sums = parts[0].astype(wide if is_whole else np.float32)
        for part in parts[1:]:
            sums += part
    means = sums / np.float64(step * step)
    return Reduced((np.rint(means) if is_whole else means).astype(samples.dtype), step, (step - 1) / 2)
