"""NIfTI-1 and NIfTI-2 files: .nii, .nii.gz, and pairs of .hdr and .img."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_medclf.domain.arrays import FloatArray, PixelArray
from napari_medclf.domain.errors import ReadError
from napari_medclf.domain.geometry import Geometry, Unit
from napari_medclf.domain.image import ChannelKind, MedImage, Scale, Source
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.io.frames import lps_from_ras
from napari_medclf.io.preflight import check_declared, check_file, refusing
from napari_medclf.io.sniff import name_of
from napari_medclf.io.volume.label_table import CARET_CODE, from_xml
from napari_medclf.io.volume.nifti_header import Header, extensions, read_header
from napari_medclf.io.volume.nifti_place import world_affine
from napari_medclf.io.volume.payload import Packing, inflate, read_samples
from napari_medclf.io.window import robust_window

PIXEL_UNIT_MARK = "medclf unit=px"
"""Stands in ``descrip`` of files we write from images without a scale; NIfTI has no unit for that."""

_RGB_VECTOR = 2003
# nifti1.h: the unit of the fourth axis, as factor to the unit we keep.
_TIME_UNITS = {"sec": (1.0, "s"), "msec": (1.0, "ms"), "usec": (1e-3, "ms")}
_OTHER_UNITS = {"hz": "Hz", "ppm": "ppm", "rads": "rad/s"}


def read_nifti(path: Path) -> MedImage:
    """Read a file with everything rescaled; the sform counts before the qform.

    A fourth dimension becomes time (or channels, where its unit is none of time), a fifth (vector) channels, RGB
    samples colour.

    Raises
    ------
    ReadError
        If it is damaged, complex-valued, or its geometry is singular.
    """
    check_file(path)
    warnings: list[str] = []
    with refusing(path, "cannot be read as NIfTI"):
        header = read_header(path, warnings)
        affine_ras = world_affine(path, header.fields, warnings)
        data, kind = _arrange(header, _rescaled(header, _stored(header, warnings), warnings), warnings)
        geometry = Geometry(lps_from_ras(affine_ras), data.shape[-3:], unit=_unit(header.fields))
        times, time_unit, kind = _times(header.fields, data, kind, warnings)
    is_colour = kind is ChannelKind.COLOUR
    if np.issubdtype(data.dtype, np.floating) and not np.isfinite(data).all():
        warnings.append("Some samples are not finite numbers (NaN or infinite).")
    return MedImage(
        data=data,
        geometry=geometry,
        name=name_of(path),
        scale=Scale.DISPLAY if is_colour else Scale.RAW,
        channel_kind=kind,
        channel_names=("red", "green", "blue") if is_colour else (),
        channel_values=times,
        channel_unit=time_unit,
        window=None if is_colour else _window(header.fields, data),
        source=Source(path),
        warnings=tuple(warnings),
    )


def read_label_table(path: Path) -> LabelSchema | None:
    """Read the class names in a header extension; None where there are none.

    Raises
    ------
    ReadError
        If the header is damaged.
    """
    with refusing(path, "cannot be read as NIfTI"):
        for code, content in extensions(read_header(path, [])):
            schema = from_xml(content.decode("utf-8", "replace")) if code == CARET_CODE else None
            if schema is not None:
                return schema
    return None


def _stored(header: Header, warnings: list[str]) -> NDArray[Any]:
    """Samples as stored, slowest axis first."""
    path, start, n_bytes = header.samples_path, header.start, header.n_bytes
    if header.packing is Packing.GZIP:
        check_declared(path, start + n_bytes, check_file(path), is_compressed=True)
        content = inflate(path, path.read_bytes(), start + n_bytes, Packing.GZIP, warnings)[start:]
    else:
        content = read_samples(path, start, n_bytes, Packing.RAW, warnings)
    return content.view(header.dtype).reshape(header.stored_shape)


def _rescaled(header: Header, stored: NDArray[Any], warnings: list[str]) -> NDArray[Any]:
    """Samples as they are where no scaling is declared, else rescaled to floats."""
    slope, inter = float(header.fields["scl_slope"]), float(header.fields["scl_inter"])
    if header.n_colours or slope == 0.0 or (slope, inter) == (1.0, 0.0) or (np.isnan(slope) and np.isnan(inter)):
        return stored  # a slope of 0 means none (nifti1.h), and nibabel writes NaN for both
    if not np.isfinite(slope):
        warnings.append(f"Its scl_slope is {slope}; the samples are kept as stored.")
        return stored
    if not np.isfinite(inter):
        raise ReadError(header.path, f"has the scl_inter {inter}, so its values are not known", "It is damaged.")
    is_exact_in_float32 = stored.dtype.itemsize <= 2 or stored.dtype.str[1:] == "f4"
    scaled: FloatArray = stored.astype(np.float32 if is_exact_in_float32 else np.float64)
    scaled *= slope
    scaled += inter
    return scaled


def _arrange(header: Header, samples: NDArray[Any], warnings: list[str]) -> tuple[PixelArray, ChannelKind]:
    """Bring (vector, t, k, j, i) samples into (k, j, i) or (C, k, j, i), native and C-contiguous."""
    native = samples.astype(samples.dtype.newbyteorder("="), copy=False)
    shape = header.shape
    if header.n_colours:
        if len(shape) > 3:
            raise ReadError(header.path, f"holds colour samples of shape {shape}")
        if header.n_colours == 4 and native[..., 3].min() != native[..., 3].max():
            warnings.append("Its transparency was left out.")
        return np.ascontiguousarray(np.moveaxis(native[..., :3], -1, 0)), ChannelKind.COLOUR
    if len(shape) == 5 and shape[3] == 1:
        is_rgb = int(header.fields["intent_code"]) == _RGB_VECTOR and shape[4] == 3
        return np.ascontiguousarray(native[:, 0]), ChannelKind.COLOUR if is_rgb else ChannelKind.CHANNEL
    if len(shape) > 4:
        raise ReadError(header.path, f"has the shape {shape}, and 2 to 4 dimensions were expected")
    return np.ascontiguousarray(native), ChannelKind.TIME if len(shape) == 4 else ChannelKind.NONE


def _times(
    fields: Any, data: PixelArray, kind: ChannelKind, warnings: list[str]
) -> tuple[tuple[float, ...], str, ChannelKind]:
    if kind is not ChannelKind.TIME:
        return (), "", kind
    unit = str(fields.get_xyzt_units()[1])
    step, first = float(fields["pixdim"][4]), float(fields["toffset"])
    if unit in _OTHER_UNITS:
        warnings.append(f"Its fourth axis is no time: it counts in {_OTHER_UNITS[unit]}.")
        return (), "", ChannelKind.CHANNEL
    if unit not in _TIME_UNITS or not np.isfinite((step, first)).all() or step <= 0:
        return (), "", kind
    factor, name = _TIME_UNITS[unit]
    return tuple(round((first + n * step) * factor, 6) for n in range(len(data))), name, kind


def _unit(fields: Any) -> Unit:
    mark = bytes(fields["descrip"].tobytes()).rstrip(b"\0").decode("latin-1")
    return Unit.PIXEL if mark == PIXEL_UNIT_MARK else Unit.MILLIMETRE


def _window(fields: Any, data: PixelArray) -> tuple[float, float]:
    low, high = float(fields["cal_min"]), float(fields["cal_max"])
    return (low, high) if np.isfinite((low, high)).all() and high > low else robust_window(data)
