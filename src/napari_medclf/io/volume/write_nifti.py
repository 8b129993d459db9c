"""NIfTI-1 files, with the place in the patient in the sform and, where it can hold it, the qform."""

from __future__ import annotations

import gzip
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from napari_medclf.domain.arrays import FloatArray, PixelArray
from napari_medclf.domain.geometry import Unit
from napari_medclf.domain.image import ChannelKind
from napari_medclf.io.contents import Contents
from napari_medclf.io.frames import ras_from_lps
from napari_medclf.io.volume.label_table import CARET_CODE, to_xml
from napari_medclf.io.volume.nifti import PIXEL_UNIT_MARK

_SCANNER = 1
_SAME_MM = 1e-3
_HALF_TURN, _NIBABELS_HALF_TURN = 1e-7, 3.7e-7
_LARGEST_OF_FIRST = 32767
_RGB = np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")])
_TIME_UNITS = {"s": "sec", "ms": "msec"}
# Level 9 takes ten times as long as 3 for a few percent; labels pack well at any.
_GZIP_LEVEL = 3


def encode(contents: Contents, file: BinaryIO) -> None:
    """Write an uncompressed file; NIfTI-2 where an axis is too long for NIfTI-1."""
    _build(contents).to_stream(file)


def encode_packed(contents: Contents, file: BinaryIO) -> None:
    """Write a compressed file; the same samples give the same bytes."""
    with gzip.GzipFile(filename="", mode="wb", compresslevel=_GZIP_LEVEL, fileobj=file, mtime=0) as packed:
        _build(contents).to_stream(packed)


def _build(contents: Contents) -> Any:
    import nibabel as nib

    data, geometry = contents.data, contents.geometry
    kind = nib.Nifti2Image if max(data.shape) > _LARGEST_OF_FIRST else nib.Nifti1Image
    samples = _arrange(data, contents.kind)
    # nibabel asks to be told that 64-bit whole numbers are meant.
    image = kind(samples, None, dtype=samples.dtype if samples.dtype.kind in "iu" else None)
    header = image.header
    header.set_data_dtype(image.get_data_dtype())
    has_time = len(contents.times) > 1 and contents.time_unit in _TIME_UNITS
    space = "mm" if geometry.unit is Unit.MILLIMETRE else "unknown"
    header.set_xyzt_units(space, _TIME_UNITS[contents.time_unit] if has_time else None)
    header["descrip"] = b"" if geometry.unit is Unit.MILLIMETRE else PIXEL_UNIT_MARK.encode()
    k, j, i = geometry.spacing
    step = (contents.times[-1] - contents.times[0]) / (len(contents.times) - 1) if has_time else 1.0
    header.set_zooms((i, j, k, step, 1.0)[: len(header.get_data_shape())])
    if has_time:
        header["toffset"] = contents.times[0]
    if contents.schema is not None and contents.schema.foreground:
        header.extensions.append(nib.nifti1.Nifti1Extension(CARET_CODE, to_xml(contents.schema).encode()))
    affine = ras_from_lps(geometry.affine)
    image.set_sform(affine, code=_SCANNER)
    image.set_qform(affine, code=_SCANNER, strip_shears=True)
    if not _qform_holds(header, affine, geometry.shape):
        image.set_qform(None, code=0)
    return image


def _qform_holds(header: Any, affine_ras: FloatArray, shape: tuple[int, int, int]) -> bool:
    """Whether the qform leads to the same places; a wrong one misleads whoever reads it.

    It is a rotation in float32: it cannot hold a gantry tilt, nor some turns of nearly 180 degrees, which programs
    also understand differently (nibabel takes a square below 3.6e-7 for a half turn, nifti1_io.c one below 1e-7).
    """
    square = 1.0 - sum(float(header[f"quatern_{one}"]) ** 2 for one in "bcd")
    if _HALF_TURN <= square < _NIBABELS_HALF_TURN:
        return False
    corners = np.array(np.meshgrid(*[(0, n - 1) for n in shape[::-1]])).reshape(3, -1)
    difference = np.asarray(header.get_qform(), dtype=np.float64) - affine_ras
    return bool(np.linalg.norm(difference[:3, :3] @ corners + difference[:3, 3:], axis=0).max() <= _SAME_MM / 2)


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
