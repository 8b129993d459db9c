"""Siemens mosaics: the slices of a volume as tiles of one large picture."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_medclf.domain.arrays import PixelArray
from napari_medclf.domain.errors import ReadError
from napari_medclf.io.dicom.series.csa import read_csa

if TYPE_CHECKING:
    from napari_medclf.io.dicom.header import Header

_CSA_GROUP, _CSA_CREATOR, _CSA_IMAGE_INFO = 0x0029, "SIEMENS CSA HEADER", 0x10
_WANTED = ("NumberOfImagesInMosaic", "SliceNormalVector")
_ALONG = 1e-3
_HINT = "Convert it with dcm2niix, and open the NIfTI file."


@dataclass(frozen=True, slots=True)
class Tile:
    """One slice inside a mosaic: which one, from 0, of how many in a row, and its size."""

    number: int
    n_per_row: int
    rows: int
    columns: int

    def cut(self, picture: PixelArray) -> PixelArray:
        """Take the slice out of (J, I) samples."""
        row, column = divmod(self.number, self.n_per_row)
        top, left = row * self.rows, column * self.columns
        return picture[top : top + self.rows, left : left + self.columns]


def is_mosaic(dataset: Any) -> bool:
    """Whether an object says that it is a mosaic."""
    kinds = dataset.get("ImageType") or ()
    return "MOSAIC" in ([kinds] if isinstance(kinds, str) else list(kinds))


def planes_of_mosaic(whole: Header, dataset: Any) -> tuple[Header, ...]:
    """Give one header a slice, each with its place.

    The position that the file tells is that of the corner which the picture would have, were it a slice of
    that size around the same centre; slices follow each other along the normal in the CSA header.

    Raises
    ------
    ReadError
        If the number of slices, their distance or their direction is not certain.
    """
    path = whole.path
    n_slices, normal = _from_csa(path, dataset)
    step_mm, spacing = whole.slice_step_mm, whole.spacing
    if whole.position is None or whole.row is None or whole.column is None or spacing is None or step_mm is None:
        raise _uncertain(path, "it does not tell its place, pixel spacing or slice distance")
    along = float(np.dot(np.cross(whole.row, whole.column), normal))
    if abs(abs(along) - 1) > _ALONG:
        raise _uncertain(path, "the normal in its CSA header is not that of its slices")
    n_per_row = math.ceil(math.sqrt(n_slices))
    rows, columns = (size // n_per_row for size in (whole.pixels.rows, whole.pixels.columns))
    if rows * n_per_row != whole.pixels.rows or columns * n_per_row != whole.pixels.columns:
        raise _uncertain(path, f"{n_slices} slices do not fill {whole.pixels.rows} x {whole.pixels.columns} pixels")
    row, column = np.array(whole.row), np.array(whole.column)
    corner = np.array(whole.position) + row * spacing.column_mm * (whole.pixels.columns - columns) / 2
    corner = corner + column * spacing.row_mm * (whole.pixels.rows - rows) / 2
    step = np.sign(along) * step_mm * np.cross(row, column)
    note = f"Its {n_slices} slices were cut out of a Siemens mosaic."
    planes = []
    for number in range(n_slices):
        x, y, z = (float(one) for one in corner + number * step)
        tile = Tile(number, n_per_row, rows, columns)
        planes.append(replace(whole, position=(x, y, z), tile=tile, warnings=(*whole.warnings, note)))
    return tuple(planes)


def _from_csa(path: Path, dataset: Any) -> tuple[int, np.ndarray[Any, np.dtype[np.float64]]]:
    found = read_csa(_csa_bytes(dataset), _WANTED)
    if found is None:
        raise _uncertain(path, "it has no readable CSA image header")
    counts, normal = found.get(_WANTED[0], []), found.get(_WANTED[1], [])
    n_slices = int(counts[0]) if counts and math.isfinite(counts[0]) else 0
    if not 1 <= n_slices <= 4096 or len(normal) != 3 or not all(map(math.isfinite, normal)):
        raise _uncertain(path, "its CSA header does not tell the number of slices and their normal")
    return n_slices, np.array(normal)


def _csa_bytes(dataset: Any) -> bytes:
    try:
        value = dataset.private_block(_CSA_GROUP, _CSA_CREATOR)[_CSA_IMAGE_INFO].value
    except KeyError:
        return b""
    return value if isinstance(value, bytes) else b""


def _uncertain(path: Path, reason: str) -> ReadError:
    return ReadError(path, f"is a Siemens mosaic that cannot be taken apart: {reason}", _HINT)
