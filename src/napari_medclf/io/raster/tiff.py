"""TIFF files: one page or a stack of pages, with the scale of OME and ImageJ."""

from __future__ import annotations

import logging
import math
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from napari_medclf.domain.errors import ReadError
from napari_medclf.domain.geometry import Geometry, Shape3, Unit
from napari_medclf.domain.image import ChannelKind, MedImage, Scale, Source
from napari_medclf.io.preflight import check_budget, check_file, refusing
from napari_medclf.io.raster.picture import picture_window
from napari_medclf.io.raster.tiff_page import WHITE_IS_ZERO, check_colours, odd_orientation, odd_pages, turned
from napari_medclf.io.raster.tiff_scale import spacing_of
from napari_medclf.io.sniff import name_of

_MOST_PAGES = 100_000
_PALETTE = 3
_MOST_ENTRIES = 10_000
# TIFF 6.0, section 2 and BigTIFF: field types that hold whole numbers.
_WHOLE_NUMBERS = (1, 3, 4, 16)
_LONG = 4
_WIDTH, _HEIGHT = 256, 257
_NEEDED_TAGS = {"width": _WIDTH, "height": _HEIGHT, "number of bits": 258, "compression": 259}
_LEADING = {"T": ChannelKind.TIME, "C": ChannelKind.CHANNEL, "S": ChannelKind.COLOUR}


@dataclass(frozen=True)
class Pages:
    """Decoded pages in ``[TCS] K J I`` order.

    `white_zero_bits` is how many bits a sample has whose lowest value is white, else 0.
    """

    samples: NDArray[Any]
    kind: ChannelKind
    palette: NDArray[np.uint8] | None
    spacing: tuple[float, float, float] | None
    warnings: tuple[str, ...]
    white_zero_bits: int = 0


def read_tiff(path: Path) -> MedImage:
    """Read the first series of a TIFF; pages become slices unless the file says otherwise.

    Raises
    ------
    ReadError
        If it is damaged, has a loop of pages, or more axes than an image can have.
    """
    pages = load_pages(path)
    data, kind = pages.samples, pages.kind
    warnings = list(pages.warnings)
    if pages.white_zero_bits:
        data = turned(data, pages.white_zero_bits, warnings)
    if pages.palette is not None:
        data = np.moveaxis(pages.palette[np.minimum(data, len(pages.palette) - 1)], -1, 0)
        kind = ChannelKind.COLOUR
    if data.dtype == np.bool_:
        data = data.astype(np.uint8) * np.uint8(255)
    is_colour = kind is ChannelKind.COLOUR
    return MedImage(
        data=np.ascontiguousarray(data),
        geometry=page_geometry(data.shape[-3:], pages.spacing),
        name=name_of(path),
        scale=Scale.DISPLAY if data.dtype == np.uint8 else Scale.RAW,
        channel_kind=kind,
        channel_names=("red", "green", "blue") if is_colour else (),
        window=None if is_colour else picture_window(data),
        source=Source(path),
        warnings=tuple(warnings),
    )


def tiff_size(path: Path) -> tuple[tuple[int, ...], tuple[float, float, float] | None]:
    """Tell the size of the first series, (K, J, I) or (C, K, J, I), and its spacing (k, j, i) in mm where it is told.

    Raises
    ------
    ReadError
        If its pages cannot be followed.
    """
    size = check_file(path)
    with refusing(path, "cannot be decoded as TIFF"):
        check_page_chain(path, size)
        import tifffile

        logging.getLogger("tifffile").setLevel(logging.CRITICAL)
        with tifffile.TiffFile(path) as file:
            series = file.series[0]
            sizes = list(zip(series.axes, series.shape, strict=True))
            spacing = spacing_of(file)
    j, i = (n for axis, n in sizes if axis in "YX")
    n_slices = math.prod(n for axis, n in sizes if axis not in "YX" and axis not in _LEADING)
    n_channels = math.prod(n for axis, n in sizes if axis in _LEADING)
    return (n_channels,) * (n_channels > 1) + (n_slices, j, i), spacing


def page_geometry(shape: Shape3, spacing: tuple[float, float, float] | None) -> Geometry:
    """Grid in millimetres where the file tells its scale, else in pixels."""
    if spacing is None:
        return Geometry.from_spacing(shape, unit=Unit.PIXEL)
    return Geometry.from_spacing(shape, spacing)


def load_pages(path: Path) -> Pages:
    """Decode the first series, palette entries kept as indices."""
    size = check_file(path)
    with refusing(path, "cannot be decoded as TIFF"):
        check_page_chain(path, size)
        import tifffile

        logging.getLogger("tifffile").setLevel(logging.CRITICAL)  # it logs what we say in our own sentence
        with tifffile.TiffFile(path) as file:
            if not file.series:
                raise ReadError(path, "holds no pages")
            series = file.series[0]
            if min(series.shape, default=0) < 1:
                raise ReadError(path, f"declares pages of the size {series.shape}")
            check_budget(path, int(np.prod(series.shape, dtype=np.float64)) * series.dtype.itemsize)
            page = series.keyframe
            check_colours(path, page)
            notes = [*_other_series(file), *_levels(series), *odd_pages(file), *odd_orientation(page)]
            samples, kind = _arrange(path, series.asarray(), series.axes, notes)
            if samples.dtype.kind == "c":
                raise ReadError(path, "holds complex numbers", "Convert it to a magnitude image.")
            white_zero_bits = int(page.bitspersample) if int(page.photometric) == WHITE_IS_ZERO else 0
            return Pages(samples, kind, _palette(page), spacing_of(file), tuple(notes), white_zero_bits)


def check_page_chain(path: Path, size: int) -> None:
    """Follow the directories and refuse a loop or a chain that leaves the file.

    Raises
    ------
    ReadError
        Readers that trust the chain hang or take all memory.
    """
    with path.open("rb") as file:
        head = file.read(16)
        order = "<" if head[:2] == b"II" else ">"
        is_big = head[2:4] in (b"+\0", b"\0+")
        offset = _unpack(path, order + ("Q" if is_big else "I"), head[8:16] if is_big else head[4:8])
        seen: set[int] = set()
        while offset:
            if offset in seen or len(seen) > _MOST_PAGES:
                raise ReadError(path, "is damaged: its pages form a loop")
            if offset >= size:
                raise ReadError(path, "is truncated: a page lies behind its end", "Fetch the file again.")
            seen.add(offset)
            offset = _next_offset(path, file, offset, order, is_big)


def _next_offset(path: Path, file: BinaryIO, offset: int, order: str, is_big: bool) -> int:
    """Check one directory, and give the place of the following one."""
    file.seek(offset)
    n_entries = _unpack(path, order + ("Q" if is_big else "H"), file.read(8 if is_big else 2))
    if n_entries > _MOST_ENTRIES:
        raise ReadError(path, f"is damaged: a page has {n_entries} entries")
    entry_bytes = 20 if is_big else 12
    entries = file.read(n_entries * entry_bytes)
    tags = dict(struct.unpack_from(f"{order}HH", entries, at) for at in range(0, len(entries) - 3, entry_bytes))
    for name, tag in _NEEDED_TAGS.items():
        if tags.get(tag, _LONG) not in _WHOLE_NUMBERS or (tag in (_WIDTH, _HEIGHT) and tag not in tags):
            raise ReadError(path, f"is damaged: a page has no {name} that can be read")
    return _unpack(path, order + ("Q" if is_big else "I"), file.read(8 if is_big else 4))


def _unpack(path: Path, code: str, raw: bytes) -> int:
    try:
        return int(struct.unpack(code, raw[: struct.calcsize(code)])[0])
    except struct.error:
        raise ReadError(path, "is truncated: a page directory is cut off", "Fetch the file again.") from None


def _arrange(path: Path, stored: NDArray[Any], axes: str, notes: list[str]) -> tuple[NDArray[Any], ChannelKind]:
    """Bring samples into (K, J, I) or (C, K, J, I)."""
    kept = [(axis, n) for axis, n in zip(axes, stored.shape, strict=True) if n > 1 or axis in "YX"]
    samples, names = stored.reshape([n for _, n in kept]), "".join(axis for axis, _ in kept)
    leading = [axis for axis in names if axis in _LEADING]
    slices = [axis for axis in names if axis not in "YX" and axis not in _LEADING]
    if len(leading) > 1 or len(slices) > 1:
        raise ReadError(
            path, f"has the axes {axes} of {stored.shape}", "Save each time, channel or stack as a file of its own."
        )
    order = [names.index(axis) for axis in (*leading, *slices, "Y", "X")]
    samples = np.transpose(samples, order)
    samples = samples.astype(samples.dtype.newbyteorder("="), copy=False)
    if not slices:
        samples = np.expand_dims(samples, -3)
    if not leading:
        return samples, ChannelKind.NONE
    return _name_channels(path, samples, _LEADING[leading[0]], notes)


def _name_channels(
    path: Path, samples: NDArray[Any], kind: ChannelKind, notes: list[str]
) -> tuple[NDArray[Any], ChannelKind]:
    if kind is not ChannelKind.COLOUR or len(samples) == 3:
        return samples, kind
    if len(samples) not in (2, 4):
        return samples, ChannelKind.CHANNEL
    alpha = samples[-1]
    if alpha.min() != alpha.max():
        notes.append("Its last sample was taken for transparency and left out.")
    return (samples[0], ChannelKind.NONE) if len(samples) == 2 else (samples[:3], kind)


def _palette(page: Any) -> NDArray[np.uint8] | None:
    if int(page.photometric) != _PALETTE or page.colormap is None:
        return None
    return np.asarray(page.colormap.T >> 8, dtype=np.uint8)


def _levels(series: Any) -> list[str]:
    """Say that a pyramid was read at its finest level."""
    n_levels = len(getattr(series, "levels", ()))
    return [f"It holds {n_levels} sizes of the same picture; the largest was read."] if n_levels > 1 else []


def _other_series(file: Any) -> list[str]:
    n_more = len(file.series) - 1
    return [f"It holds {n_more} more series of pages; the first one was read."] if n_more > 0 else []
