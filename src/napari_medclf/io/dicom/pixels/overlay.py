"""Bitmaps that lie over an image, in groups 6000-601E of its header or in unused bits of its samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_medclf.domain.arrays import BoolArray
from napari_medclf.domain.derived import LabelOrigin, LabelSet, Reference
from napari_medclf.domain.image import MedImage
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.results import Segmentation
from napari_medclf.io.dicom.header import Header
from napari_medclf.io.dicom.pixels.planes import Plane, fetch, planes_of
from napari_medclf.io.dicom.quiet import quiet
from napari_medclf.io.preflight import check_budget, refusing

_GROUPS = range(0x6000, 0x6020, 2)
_ROWS, _COLUMNS, _FRAMES, _TYPE, _ORIGIN, _FIRST_FRAME = 0x10, 0x11, 0x15, 0x40, 0x50, 0x51
_BITS, _BIT, _DATA = 0x100, 0x102, 0x3000
_KINDS = {"G": "graphics", "R": "region of interest"}


@dataclass(frozen=True, eq=False)
class Overlay:
    """One bitmap of one file.

    Parameters
    ----------
    bits : (frames, rows, columns) bool, or None
        None where they lie in the samples, in bit `bit`.
    top, left : int
        Where its first pixel lies on the image, from 0; may be outside.
    first_frame : int
        The frame, from 0, that its first one lies over; the rest follow. A single one lies over all frames.
    """

    number: int
    kind: str
    bits: BoolArray | None
    bit: int
    top: int = 0
    left: int = 0
    first_frame: int = 0

    @property
    def name(self) -> str:
        """Number and kind; never the header's free text."""
        return f"overlay {self.number} ({self.kind})" if self.kind else f"overlay {self.number}"

    def lay(self, frame: int, canvas: BoolArray) -> None:
        """Draw the part of one frame of the image on a (J, I) canvas."""
        if self.bits is None:
            return
        at = frame - self.first_frame if len(self.bits) > 1 else 0
        if not 0 <= at < len(self.bits):
            return
        top, left = max(self.top, 0), max(self.left, 0)
        bottom, right = max(canvas.shape[0] - self.top, 0), max(canvas.shape[1] - self.left, 0)
        part = self.bits[at, top - self.top : bottom, left - self.left : right]
        canvas[top : top + part.shape[0], left : left + part.shape[1]] |= part


def read_overlays(headers: Sequence[Header], image: MedImage) -> LabelSet | None:
    """Read the overlays of an image as labels on its grid; None where there are none.

    Parameters
    ----------
    headers : sequence of Header
        Of the image, in the order of its planes.

    Raises
    ------
    ReadError
        If an overlay is damaged or too large.
    """
    planes = planes_of(headers)
    if len(planes) != image.geometry.shape[0]:
        return None
    files = {header.path: header for header in headers}
    found = {path: find_overlays(path, header) for path, header in files.items()}
    names = dict.fromkeys(one.name for overlays in found.values() for one in overlays)
    check_budget(headers[0].path, len(names) * int(np.prod(image.geometry.shape)))
    drawn = {name: _draw(planes, found, name, image.geometry.shape) for name in names}
    segmentations = tuple(
        Segmentation(mask.view(np.uint8), image.geometry, LabelSchema.from_names([name], first_value=1), name=name)
        for name, mask in drawn.items()
        if mask.any()
    )
    if not segmentations:
        return None
    source = image.source
    return LabelSet(
        segmentations=segmentations,
        name=f"{image.name}-overlays",
        origin=LabelOrigin.OVERLAY,
        source=source,
        reference=Reference(source.study_uid, source.series_uid, source.sop_instance_uids),
        is_on_source_grid=True,
    )


def find_overlays(path: Path, header: Header) -> list[Overlay]:
    """Find the overlays of a file, PS3.3 C.9.2.

    Raises
    ------
    ReadError
        If one is damaged.
    """
    with refusing(path, "has a damaged overlay", with_text=False), quiet():
        from pydicom import dcmread

        dataset = dcmread(path, stop_before_pixels=True, force=True)
        groups = sorted({tag.group for tag in dataset.keys()} & set(_GROUPS))  # noqa: SIM118  # of tags, not of elements
        return [_overlay(dataset, group, header) for group in groups if (group, _BIT) in dataset]


def _overlay(dataset: Any, group: int, header: Header) -> Overlay:
    def value(element: int, default: Any) -> Any:
        found = dataset.get((group, element))
        return default if found is None or found.value is None else found.value

    origin = value(_ORIGIN, [1, 1])
    data = value(_DATA, b"")
    bits = None
    if data:
        shape = (int(value(_FRAMES, 1)), int(value(_ROWS, 0)), int(value(_COLUMNS, 0)))
        bits = _unpacked(data, shape, header)
    return Overlay(
        number=(group - 0x6000) // 2 + 1,
        kind=_KINDS.get(str(value(_TYPE, "")).strip(), ""),
        bits=bits,
        bit=int(value(_BIT, 0)),
        top=int(origin[0]) - 1,
        left=int(origin[1]) - 1,
        first_frame=int(value(_FIRST_FRAME, 1)) - 1,
    )


def _unpacked(data: bytes, shape: tuple[int, int, int], header: Header) -> BoolArray:
    """One bit a pixel, the lowest of a byte first, PS3.5 8.1.2; big-endian files hold words."""
    if min(shape) < 1:
        raise ValueError("an overlay without size")
    check_budget(header.path, int(np.prod(shape)))
    packed = np.frombuffer(data, np.uint8)
    if not header.pixels.is_little_endian:
        packed = packed[: len(packed) // 2 * 2].reshape(-1, 2)[:, ::-1].ravel()
    n_bits = int(np.prod(shape))
    if len(packed) * 8 < n_bits:
        raise ValueError("an overlay that is truncated")
    return np.unpackbits(packed[: (n_bits + 7) // 8], count=n_bits, bitorder="little").reshape(shape).view(bool)


def _draw(
    planes: Sequence[Plane], found: dict[Path, list[Overlay]], name: str, shape: tuple[int, int, int]
) -> BoolArray:
    volume = np.zeros(shape, bool)
    embedded: list[tuple[int, int]] = []
    for n, plane in enumerate(planes):
        for overlay in found[plane.header.path]:
            if overlay.name == name and overlay.bits is not None:
                overlay.lay(plane.frame, volume[n])
            elif overlay.name == name and _is_unused(overlay.bit, plane.header):
                embedded.append((n, overlay.bit))

    def put(at: int, stored: NDArray[Any]) -> None:
        n, bit = embedded[at]
        volume[n] |= (stored >> bit) & 1 == 1

    fetch([planes[n] for n, _ in embedded], put)
    return volume


def _is_unused(bit: int, header: Header) -> bool:
    """Whether a bit holds none of the sample."""
    pixels = header.pixels
    lowest = pixels.high_bit + 1 - pixels.bits_stored
    is_gray = not pixels.is_colour and not pixels.is_float
    return is_gray and 0 <= bit < pixels.bits_allocated and not lowest <= bit <= pixels.high_bit
