"""From a stack of headers to an image: samples are read, rescaled and arranged."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from napari_medclf.domain.arrays import PixelArray
from napari_medclf.domain.image import ChannelKind, Gaps, MedImage, Scale
from napari_medclf.free_memory import available_bytes
from napari_medclf.io.dicom.header import Header
from napari_medclf.io.dicom.pixels.colour import read_colour
from napari_medclf.io.dicom.pixels.samples import read_gray
from napari_medclf.io.dicom.pixels.stored import stored_limits
from napari_medclf.io.dicom.series.gaps import fill
from napari_medclf.io.dicom.series.stack import Stack
from napari_medclf.io.preflight import refusing
from napari_medclf.io.window import robust_window

# Modalities whose pictures are made to be looked at.
_USABLE = 0.8
_ALWAYS_READ = 2**26
_DISPLAYED = frozenset(("US", "ES", "OP", "XC", "GM", "SM", "OT", "DOC"))


def read_stack(stack: Stack, *, lazy: bool = False) -> MedImage:
    """Read the samples of a stack.

    Parameters
    ----------
    lazy : bool
        Whether to leave the samples in their files until they are looked at; what is larger than the memory
        that is free now is left there in any case.

    Raises
    ------
    ReadError
        Naming the file that cannot be decoded.
    """
    first = stack.headers[0]
    warnings = list(stack.notes)
    with refusing(first.path, "cannot be decoded"):
        data, kind = _samples(stack, warnings, lazy or _is_too_large(stack))
        values, unit = _times(stack)
        is_colour = first.pixels.is_colour
        return MedImage(
            data=data,
            geometry=stack.geometry,
            name=stack.name,
            modality=first.modality,
            scale=scale_of(first),
            channel_kind=kind,
            channel_names=("red", "green", "blue") if kind is ChannelKind.COLOUR else (),
            channel_values=values,
            channel_unit=unit,
            window=None if is_colour else window_of(first) or robust_window(_sample(data)),
            limits=limits_of(first),
            source=stack.source,
            warnings=tuple(dict.fromkeys(warnings)),
        )


def _is_too_large(stack: Stack) -> bool:
    """Whether reading would take more memory than is free: the samples, and a second copy where they are rescaled."""
    files = {plane.path: plane.pixels for plane in stack.planes}
    n_bytes = sum(pixels.n_bytes for pixels in files.values())
    return n_bytes > _ALWAYS_READ and 2 * n_bytes > _USABLE * available_bytes()


def _sample(data: PixelArray) -> PixelArray:
    """Give all samples, or the middle plane of those that are read on demand."""
    if isinstance(data, np.ndarray):
        return data
    return np.asarray(data[(0,) * (data.ndim - 3)][data.shape[-3] // 2])


def _samples(stack: Stack, warnings: list[str], lazy: bool) -> tuple[PixelArray, ChannelKind]:
    """Read and arrange samples: (K, J, I), with time or colour in front, or time and then colour."""
    is_colour = stack.headers[0].pixels.is_colour
    data = _untiled(stack, warnings) if stack.headers[0].tile is not None else _planes(stack.planes, warnings, lazy)
    is_series = stack.times is not None or stack.headers[0].is_film
    kind = ChannelKind.COLOUR if is_colour else ChannelKind.NONE
    if is_series:
        shape = (stack.n_times, len(stack.headers), *data.shape[-2:])
        if is_colour:
            data, kind = np.moveaxis(data.reshape(3, *shape), 0, 1), ChannelKind.COLOUR_TIME
            data = np.ascontiguousarray(data) if isinstance(data, np.ndarray) else data
        else:
            data, kind = data.reshape(shape), ChannelKind.TIME
    placement = stack.placement
    if placement is not None and placement.gaps is not Gaps.REFUSE and placement.acquired_k:
        data = fill(data, placement.acquired_k, placement.n_slices, placement.gaps)
    return data, kind


def _planes(planes: Sequence[Header], warnings: list[str], lazy: bool) -> PixelArray:
    """Read (3, n_planes, J, I) or (n_planes, J, I) samples, or promise them as a dask array."""
    if lazy:
        from napari_medclf.io.dicom.pixels.lazy import lazy_colour, lazy_gray

        promised: PixelArray = lazy_colour(planes) if planes[0].pixels.is_colour else lazy_gray(planes)
        return promised
    return read_colour(planes) if planes[0].pixels.is_colour else read_gray(planes, warnings)


def _untiled(stack: Stack, warnings: list[str]) -> PixelArray:
    """Read each mosaic once and cut its slices out, (n_planes, J, I)."""
    pictures = {plane.path: plane for plane in stack.planes}
    samples = dict(zip(pictures, _planes(list(pictures.values()), warnings, False), strict=True))
    return np.stack([plane.tile.cut(samples[plane.path]) for plane in stack.planes if plane.tile is not None])


def _times(stack: Stack) -> tuple[tuple[float, ...], str]:
    if stack.times is not None:
        return stack.times.values, stack.times.unit
    values = stack.headers[0].film_times_ms
    return values, "ms" if values else ""


def scale_of(header: Header) -> Scale:
    """Tell what the samples of a plane mean."""
    if header.pixels.is_colour or header.modality in _DISPLAYED:
        return Scale.DISPLAY
    if header.suv_factor is not None:
        return Scale.SUV
    if header.modality == "CT" and header.is_rescaled and header.rescale_type.upper() in ("", "HU"):
        return Scale.HU
    return Scale.RAW


def limits_of(header: Header) -> tuple[float, float] | None:
    """Say what rescaled samples of a plane could be at most; None where a table or decimals leave that open."""
    pixels = header.pixels
    if pixels.is_float or header.has_lut or header.suv_factor is not None:
        return None
    ends = [header.slope * end + header.intercept for end in stored_limits(pixels)]
    return min(ends), max(ends)


def window_of(header: Header) -> tuple[float, float] | None:
    """Give limits for the display, turned round with the samples of MONOCHROME1."""
    if header.window is None or header.pixels.photometric != "MONOCHROME1":
        return header.window
    total = header.slope * sum(stored_limits(header.pixels)) + 2 * header.intercept
    low, high = header.window
    return (total - high, total - low)
