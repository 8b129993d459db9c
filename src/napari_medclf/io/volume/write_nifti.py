"""NIfTI-1 files, with the place in the patient in the sform and, where it can hold it, the qform."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from napari_medclf.domain.arrays import PixelArray
from napari_medclf.domain.errors import WriteError
from napari_medclf.domain.geometry import Geometry, Unit
from napari_medclf.domain.image import ChannelKind
from napari_medclf.io.frames import ras_from_lps
from napari_medclf.io.volume.nifti import PIXEL_UNIT_MARK, read_nifti

_SCANNER = 1
_LARGEST_DIMENSION = 32767
_RGB = np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")])
# Level 9 takes ten times as long as 3 for a few percent; labels pack well at any.
_GZIP_LEVEL = 3


def encode(data: PixelArray, kind: ChannelKind, geometry: Geometry, file: BinaryIO) -> None:
    """Write an uncompressed file."""
    _build(data, kind, geometry).to_stream(file)


def encode_packed(data: PixelArray, kind: ChannelKind, geometry: Geometry, file: BinaryIO) -> None:
    """Write a compressed file; the same samples give the same bytes."""
    with gzip.GzipFile(filename="", mode="wb", compresslevel=_GZIP_LEVEL, fileobj=file, mtime=0) as packed:
        _build(data, kind, geometry).to_stream(packed)


def decode(path: Path) -> tuple[PixelArray, Geometry]:
    """Read a file back for the comparison."""
    image = read_nifti(path)
    return image.data, image.geometry


def _build(data: PixelArray, kind: ChannelKind, geometry: Geometry) -> Any:
    import nibabel as nib

    if max(data.shape) > _LARGEST_DIMENSION:
        raise WriteError(f"NIfTI holds at most {_LARGEST_DIMENSION} voxels along an axis, and {data.shape} was given.")
    affine = ras_from_lps(geometry.affine)
    image = nib.Nifti1Image(_arrange(data, kind), None, dtype=None)
    header = image.header
    header.set_data_dtype(image.get_data_dtype())
    header.set_xyzt_units("mm" if geometry.unit is Unit.MILLIMETRE else "unknown")
    header["descrip"] = b"" if geometry.unit is Unit.MILLIMETRE else PIXEL_UNIT_MARK.encode()
    k, j, i = geometry.spacing
    header.set_zooms((i, j, k, *[1.0] * (len(header.get_data_shape()) - 3)))
    image.set_sform(affine, code=_SCANNER)
    # A qform is a rotation: it cannot hold a gantry tilt, and a wrong one misleads whoever reads it.
    if not geometry.is_sheared:
        image.set_qform(affine, code=_SCANNER, strip_shears=True)
    return image


def _arrange(data: PixelArray, kind: ChannelKind) -> NDArray[Any]:
    """Bring (k, j, i) or (C, k, j, i) samples into NIfTI's (i, j, k, t, vector)."""
    if kind is ChannelKind.COLOUR and data.dtype == np.uint8 and len(data) == 3:
        coloured = np.empty(data.shape[1:], _RGB)
        for channel, name in enumerate(_RGB.names or ()):
            coloured[name] = data[channel]
        return coloured.T
    if kind in (ChannelKind.COLOUR, ChannelKind.CHANNEL):
        return data.T[:, :, :, None, :]
    return data.T
