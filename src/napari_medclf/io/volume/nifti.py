"""NIfTI-1 and NIfTI-2 files."""

from __future__ import annotations

import gzip
from io import BufferedReader
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_medclf.domain.arrays import FloatArray, PixelArray
from napari_medclf.domain.errors import ReadError
from napari_medclf.domain.geometry import Geometry, Unit
from napari_medclf.domain.image import ChannelKind, MedImage, Scale, Source
from napari_medclf.io.frames import lps_from_ras
from napari_medclf.io.preflight import check_declared, check_file, refusing
from napari_medclf.io.sniff import name_of
from napari_medclf.io.window import robust_window

PIXEL_UNIT_MARK = "medclf unit=px"
"""Stands in ``descrip`` of files we write from images without a scale; NIfTI has no unit for that."""

_GZIP_MAGIC = b"\x1f\x8b"
_HEADER_SIZE = 348
_SECOND_HEADER_SIZE = 540
_MM_PER_UNIT = {"meter": 1000.0, "mm": 1.0, "micron": 0.001, "unknown": 1.0}
_SAME_PLACE_MM = 0.1


def read_nifti(path: Path) -> MedImage:
    """Read a file with everything rescaled; the sform counts before the qform.

    A fourth dimension becomes time, a fifth (vector) channels, RGB samples colour.

    Raises
    ------
    ReadError
        If it is damaged, complex-valued, or its geometry is singular.
    """
    size = check_file(path)
    with refusing(path, "cannot be read as NIfTI"), _open(path) as stream:
        file = _load(path, stream)
        header = file.header
        check_declared(path, _declared_bytes(header), size, is_compressed=isinstance(stream, gzip.GzipFile))
        warnings: list[str] = []
        affine_ras = _world_affine(path, file, warnings)
        data, kind = _arrange(path, _samples(path, file))
        geometry = Geometry(lps_from_ras(affine_ras), data.shape[-3:], unit=_unit(header))
    if np.issubdtype(data.dtype, np.floating) and not np.isfinite(data).all():
        warnings.append("Some samples are not finite numbers (NaN or infinite).")
    return MedImage(
        data=data,
        geometry=geometry,
        name=name_of(path),
        scale=Scale.DISPLAY if kind is ChannelKind.COLOUR else Scale.RAW,
        channel_kind=kind,
        channel_names=("red", "green", "blue") if kind is ChannelKind.COLOUR else (),
        window=None if kind is ChannelKind.COLOUR else _window(header, data),
        source=Source(path),
        warnings=tuple(warnings),
    )


def _open(path: Path) -> gzip.GzipFile | BufferedReader:
    with path.open("rb") as file:
        is_packed = file.read(2) == _GZIP_MAGIC
    return gzip.open(path) if is_packed else path.open("rb")


def _load(path: Path, stream: gzip.GzipFile | BufferedReader) -> Any:
    """Parse the header; the samples stay in the stream until they are asked for."""
    import nibabel as nib

    head = stream.read(_HEADER_SIZE)
    stream.seek(0)
    if len(head) < _HEADER_SIZE:
        raise ReadError(path, f"is truncated: {len(head)} bytes are too few for a NIfTI header", "Fetch it again.")
    is_second = _SECOND_HEADER_SIZE in (int.from_bytes(head[:4], order) for order in ("little", "big"))
    return (nib.Nifti2Image if is_second else nib.Nifti1Image).from_stream(stream)


def _declared_bytes(header: Any) -> int:
    n_samples = 1
    for n in header.get_data_shape():
        n_samples *= max(int(n), 0)
    return n_samples * int(header.get_data_dtype().itemsize)


def _samples(path: Path, file: Any) -> NDArray[Any]:
    """Stored samples as they are where no scaling is declared, else rescaled to floats."""
    proxy = file.dataobj
    stored = np.dtype(file.header.get_data_dtype())
    if stored.kind == "c":
        raise ReadError(path, "holds complex numbers", "Convert it to a magnitude image.")
    if (proxy.slope, proxy.inter) == (1.0, 0.0):
        return np.asarray(proxy.get_unscaled())
    is_exact_in_float32 = stored.itemsize <= 2 or stored == np.float32
    return np.asarray(proxy, dtype=np.float32 if is_exact_in_float32 else np.float64)


def _arrange(path: Path, stored: NDArray[Any]) -> tuple[PixelArray, ChannelKind]:
    """Bring (i, j, k, t, vector) samples into (k, j, i) or (C, k, j, i), native and C-contiguous."""
    if stored.dtype.names:
        return _arrange_colour(path, stored)
    shape = list(stored.shape)
    while len(shape) > 3 and shape[-1] == 1:
        shape.pop()
    kind = ChannelKind.NONE if len(shape) <= 3 else ChannelKind.TIME
    if len(shape) == 5 and shape[3] == 1:
        shape, kind = [*shape[:3], shape[4]], ChannelKind.CHANNEL
    if not 2 <= len(shape) <= 4:
        raise ReadError(path, f"has the shape {tuple(stored.shape)}, and 2 to 4 dimensions were expected")
    shape += [1] * (3 - len(shape))
    samples = stored.reshape(shape, order="F").T
    native = np.float64 if samples.dtype.itemsize > 8 else samples.dtype.newbyteorder("=")
    return np.ascontiguousarray(samples, dtype=native), kind


def _arrange_colour(path: Path, stored: NDArray[Any]) -> tuple[PixelArray, ChannelKind]:
    grid = np.squeeze(stored, axis=tuple(range(3, stored.ndim)))
    if grid.ndim not in (2, 3):
        raise ReadError(path, f"holds colour samples of shape {stored.shape}")
    grid = grid.reshape(*grid.shape, *[1] * (3 - grid.ndim), order="F").T
    return np.stack([grid[name] for name in ("R", "G", "B")]), ChannelKind.COLOUR


def _world_affine(path: Path, file: Any, warnings: list[str]) -> FloatArray:
    """Affine of (i, j, k) to RAS millimetres, with what is odd about it said in `warnings`."""
    header = file.header
    sform, sform_code = header.get_sform(coded=True)
    qform, qform_code = header.get_qform(coded=True)
    if sform_code:
        affine = sform
    elif qform_code:
        affine = qform
    else:
        affine = header.get_best_affine()
        warnings.append("It has neither an sform nor a qform: where left and right are is a guess (LAS).")
    if sform_code and qform_code:
        _compare_forms(sform, qform, header.get_data_shape(), warnings)
    return _to_millimetres(path, np.asarray(affine, dtype=np.float64), header, warnings)


def _to_millimetres(path: Path, affine: FloatArray, header: Any, warnings: list[str]) -> FloatArray:
    unit = _spatial_unit(path, header)
    factor = _MM_PER_UNIT[unit]
    if factor != 1.0:
        warnings.append(f"Its lengths were converted from {unit}s to millimetres.")
    return np.diag([factor, factor, factor, 1.0]) @ affine


def _spatial_unit(path: Path, header: Any) -> str:
    try:
        return str(header.get_xyzt_units()[0])
    except KeyError:
        raise ReadError(path, f"has the unknown unit code {int(header['xyzt_units'])}") from None


def _compare_forms(sform: FloatArray, qform: FloatArray, shape: tuple[int, ...], warnings: list[str]) -> None:
    last = np.array([*(n - 1 for n in (*shape, 1, 1)[:3])], dtype=np.float64)
    corners = np.array(np.meshgrid(*[(0.0, n) for n in last])).reshape(3, -1)
    apart = np.abs((sform - qform)[:3, :3] @ corners + (sform - qform)[:3, 3:])
    if np.isfinite(qform).all() and apart.max() > _SAME_PLACE_MM:
        warnings.append(
            f"Its sform and qform place it up to {np.linalg.norm(apart, axis=0).max():.1f} mm apart. The sform is "
            "used; a program that reads the qform shows it elsewhere."
        )


def _unit(header: Any) -> Unit:
    mark = bytes(header["descrip"].tobytes()).rstrip(b"\0").decode("latin-1")
    return Unit.PIXEL if mark == PIXEL_UNIT_MARK else Unit.MILLIMETRE


def _window(header: Any, data: PixelArray) -> tuple[float, float]:
    low, high = float(header["cal_min"]), float(header["cal_max"])
    return (low, high) if np.isfinite((low, high)).all() and high > low else robust_window(data)
