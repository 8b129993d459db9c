"""From a stack of headers to an image: samples are read, rescaled and arranged."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from napari_medclf.domain.arrays import PixelArray
from napari_medclf.domain.image import ChannelKind, Gaps, MedImage, Scale
from napari_medclf.io.dicom.colour import read_colour
from napari_medclf.io.dicom.gaps import fill
from napari_medclf.io.dicom.header import Header
from napari_medclf.io.dicom.samples import read_gray
from napari_medclf.io.dicom.stack import Stack
from napari_medclf.io.dicom.stored import stored_limits
from napari_medclf.io.preflight import refusing
from napari_medclf.io.window import robust_window

# Modalities whose pictures are made to be looked at.
_DISPLAYED = frozenset(("US", "ES", "OP", "XC", "GM", "SM", "OT", "DOC"))


def read_stack(stack: Stack) -> MedImage:
    """Read the samples of a stack.

    Raises
    ------
    ReadError
        Naming the file that cannot be decoded.
    """
    first = stack.headers[0]
    warnings = list(stack.notes)
    with refusing(first.path, "cannot be decoded"):
        data, kind = _samples(stack, warnings)
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
            window=None if is_colour else window_of(first) or robust_window(data),
            source=stack.source,
            warnings=tuple(dict.fromkeys(warnings)),
        )


def _samples(stack: Stack, warnings: list[str]) -> tuple[PixelArray, ChannelKind]:
    """Read and arrange samples: (K, J, I), with time or colour in front, or time and then colour."""
    is_colour = stack.headers[0].pixels.is_colour
    data = _untiled(stack, warnings) if stack.headers[0].tile is not None else _planes(stack.planes, warnings)
    is_series = stack.times is not None or stack.headers[0].is_film
    kind = ChannelKind.COLOUR if is_colour else ChannelKind.NONE
    if is_series:
        shape = (stack.n_times, len(stack.headers), *data.shape[-2:])
        if is_colour:
            data, kind = np.ascontiguousarray(np.moveaxis(data.reshape(3, *shape), 0, 1)), ChannelKind.COLOUR_TIME
        else:
            data, kind = data.reshape(shape), ChannelKind.TIME
    placement = stack.placement
    if placement is not None and placement.gaps is not Gaps.REFUSE and placement.acquired_k:
        data = fill(data, placement.acquired_k, placement.n_slices, placement.gaps)
    return data, kind


def _planes(planes: Sequence[Header], warnings: list[str]) -> PixelArray:
    """Read (3, n_planes, J, I) or (n_planes, J, I) samples."""
    return read_colour(planes) if planes[0].pixels.is_colour else read_gray(planes, warnings)


def _untiled(stack: Stack, warnings: list[str]) -> PixelArray:
    """Read each mosaic once and cut its slices out, (n_planes, J, I)."""
    pictures = {plane.path: plane for plane in stack.planes}
    samples = dict(zip(pictures, _planes(list(pictures.values()), warnings), strict=True))
    return np.stack([plane.tile.cut(samples[plane.path]) for plane in stack.planes if plane.tile is not None])


def _times(stack: Stack) -> tuple[tuple[float, ...], str]:
    if stack.times is not None:
        return stack.times.values, stack.times.unit
    values = stack.headers[0].film_times_ms
    return values, "ms" if values else ""


def scale_of(header: Header) -> Scale:
    """What the samples mean once they are read."""
    """Tell what the samples of a plane mean."""
    if header.pixels.is_colour or header.modality in _DISPLAYED:
        return Scale.DISPLAY
    if header.suv_factor is not None:
        return Scale.SUV
    if header.modality == "CT" and header.is_rescaled and header.rescale_type.upper() in ("", "HU"):
        return Scale.HU
    return Scale.RAW


def window_of(header: Header) -> tuple[float, float] | None:
    """Give limits for the display, turned round with the samples of MONOCHROME1."""
    if header.window is None or header.pixels.photometric != "MONOCHROME1":
        return header.window
    total = header.slope * sum(stored_limits(header.pixels)) + 2 * header.intercept
    low, high = header.window
    return (total - high, total - low)
