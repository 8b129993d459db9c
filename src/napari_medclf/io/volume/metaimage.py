"""MetaImage files (ITK's .mha, and .mhd with the samples beside it)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_medclf.domain.errors import ReadError
from napari_medclf.domain.geometry import Geometry, Unit
from napari_medclf.domain.image import ChannelKind, MedImage, Scale, Source
from napari_medclf.io.preflight import check_file, refusing
from napari_medclf.io.sniff import name_of
from napari_medclf.io.volume.affine import check_affine
from napari_medclf.io.volume.payload import Packing, file_beside, read_samples
from napari_medclf.io.window import robust_window

PIXEL_UNIT_MARK = "medclf unit=px"
"""Stands in the comment of images we write that have no scale; MetaImage has no unit for that."""

_MOST_HEADER = 100_000
_MOST_SAMPLES = 2**40
# MetaIO's sizes (metaTypes.h): its LONG has four bytes.
DTYPES = {
    "MET_CHAR": "i1", "MET_ASCII_CHAR": "i1", "MET_UCHAR": "u1", "MET_SHORT": "i2", "MET_USHORT": "u2",
    "MET_INT": "i4", "MET_UINT": "u4", "MET_LONG": "i4", "MET_ULONG": "u4", "MET_LONG_LONG": "i8",
    "MET_ULONG_LONG": "u8", "MET_FLOAT": "f4", "MET_DOUBLE": "f8",
}  # fmt: skip
_DATA_FILE = "elementdatafile"
_DIRECTIONS = ("transformmatrix", "orientation", "rotation")
_ORIGINS = ("offset", "position", "origin")
_MM_PER_UNIT = {"": 1.0, "?": 1.0, "mm": 1.0, "cm": 10.0, "um": 1e-3}
_MODALITIES = {"MET_MOD_CT": "CT", "MET_MOD_MR": "MR", "MET_MOD_NM": "NM", "MET_MOD_US": "US"}


@dataclass(frozen=True)
class _Header:
    path: Path
    fields: dict[str, str]
    end: int

    def numbers(self, names: tuple[str, ...], count: int) -> list[float] | None:
        """Numbers of the first field that is there; None where none is."""
        name = next((one for one in names if one in self.fields), None)
        if name is None:
            return None
        values = [float(one) for one in self.fields[name].split()]
        if len(values) != count:
            raise ReadError(self.path, f"has {len(values)} numbers in {name}, and {count} were expected")
        return values

    def is_true(self, name: str, default: bool = False) -> bool:
        return self.fields[name].strip().lower() in ("true", "1", "yes", "t") if name in self.fields else default


def read_metaimage(path: Path) -> MedImage:
    """Read a 2-D, 3-D or 4-D image; a fourth axis is taken for time, several values a voxel for channels.

    Directions and offset are in LPS, as ITK writes and reads them (`AnatomicalOrientation` is not believed: ITK
    writes RAI there for what is LPS).

    Raises
    ------
    ReadError
        If it is damaged, its samples lie in many files or outside its folder, or its geometry is singular.
    """
    check_file(path)
    warnings: list[str] = []
    with refusing(path, "cannot be read as MetaImage"):
        header = _read_header(path)
        sizes = _sizes(header)
        n_channels = int(header.fields.get("elementnumberofchannels", "1"))
        if not 1 <= n_channels <= 10_000:
            raise ReadError(path, f"declares {n_channels} values a voxel")
        dtype = _dtype(header)
        stored = _samples(header, dtype, (*sizes[::-1], n_channels), warnings)
        data, kind = _arrange(stored, n_channels, warnings)
        _note_scale(header, warnings)
        geometry = _geometry(header, sizes, data.shape[-3:], warnings)
        is_colour = kind is ChannelKind.COLOUR
        return MedImage(
            data=data,
            geometry=geometry,
            name=name_of(path),
            modality=_MODALITIES.get(header.fields.get("modality", ""), ""),
            scale=Scale.DISPLAY if is_colour else Scale.RAW,
            channel_kind=kind,
            channel_names=("red", "green", "blue") if is_colour else (),
            window=None if is_colour else robust_window(data),
            source=Source(path),
            warnings=tuple(warnings),
        )


def metaimage_geometry(path: Path) -> tuple[tuple[int, ...], Geometry]:
    """Read sizes as (k, j, i) or (c, k, j, i), and where the voxels lie, without samples.

    Raises
    ------
    ReadError
        As `read_metaimage`.
    """
    with refusing(path, "cannot be read as MetaImage"):
        header = _read_header(path)
        sizes = _sizes(header)
        k, j, i = (*(1,) * (3 - len(sizes)), *sizes[2::-1])
        n_others = int(header.fields.get("elementnumberofchannels", "1")) * (sizes[3] if len(sizes) > 3 else 1)
        size = (k, j, i) if n_others == 1 else (n_others, k, j, i)
        return size, _geometry(header, sizes, (k, j, i), [])


def _read_header(path: Path) -> _Header:
    fields: dict[str, str] = {}
    with path.open("rb") as file:
        while _DATA_FILE not in fields:
            line = file.readline(_MOST_HEADER)
            if not line or file.tell() > _MOST_HEADER:
                raise ReadError(path, "has no complete MetaImage header (ElementDataFile is missing)")
            name, mark, value = line.decode("utf-8", "replace").partition("=")
            if mark:
                fields[name.strip().lower()] = value.strip()
        missing = [name for name in ("ndims", "dimsize", "elementtype") if name not in fields]
        if missing:
            raise ReadError(path, f"lacks the MetaImage fields {', '.join(missing)}")
        return _Header(path, fields, file.tell())


def _sizes(header: _Header) -> tuple[int, ...]:
    n_axes = int(header.fields["ndims"])
    sizes = tuple(int(one) for one in header.fields["dimsize"].split())
    if not 2 <= n_axes <= 4 or len(sizes) != n_axes or min(sizes) < 1:
        raise ReadError(header.path, f"has {n_axes} axes of sizes {sizes}, and 2 to 4 positive ones were expected")
    return sizes


def _dtype(header: _Header) -> np.dtype[Any]:
    name = header.fields["elementtype"].upper().removesuffix("_ARRAY")
    if name not in DTYPES:
        raise ReadError(header.path, "has samples of a type that is not read")
    is_big = header.is_true("binarydatabyteordermsb", header.is_true("elementbyteordermsb"))
    return np.dtype(DTYPES[name]).newbyteorder(">" if is_big else "<")


def _samples(header: _Header, dtype: np.dtype[Any], shape: tuple[int, ...], warnings: list[str]) -> NDArray[Any]:
    path, name = header.path, header.fields[_DATA_FILE]
    n_samples = int(np.prod(shape, dtype=object))
    if n_samples > _MOST_SAMPLES:
        raise ReadError(path, f"declares {n_samples} samples")
    if name.upper().startswith("LIST") or "%" in name:
        raise ReadError(path, "keeps every slice in a file of its own", "Save it as one .mha.")
    is_local = name.upper() in ("LOCAL", "LOCALDATA")
    file, start = (path, header.end) if is_local else (file_beside(path, name), 0)
    if not header.is_true("binarydata", default=not is_local or "binarydata" not in header.fields):
        return _text_samples(file, start, n_samples, dtype.newbyteorder("=")).reshape(shape)
    skip = int(header.fields.get("headersize", "0"))
    if is_local and 0 < skip < header.end:
        raise ReadError(path, f"says that its samples begin at byte {skip}, inside the header", "It is damaged.")
    if skip:
        start = max(skip, -1)  # MetaIO counts from the beginning of the file, or reads its end
    packing = Packing.ZLIB if header.is_true("compresseddata") else Packing.RAW
    content = read_samples(file, start, n_samples * dtype.itemsize, packing, warnings)
    return content.view(dtype).reshape(shape)


def _text_samples(path: Path, start: int, n_samples: int, dtype: np.dtype[Any]) -> NDArray[Any]:
    if 2 * n_samples > path.stat().st_size - start + 1:
        raise ReadError(path, f"is truncated: it declares {n_samples} samples", "Fetch the file again.")
    with path.open("rb") as file:
        file.seek(start)
        words = file.read().split()
    if len(words) < n_samples:
        raise ReadError(path, f"is truncated: it holds {len(words)} of {n_samples} samples", "Fetch the file again.")
    samples = np.array(words[:n_samples], dtype=np.float64)
    limits = np.iinfo(dtype) if dtype.kind in "iu" else None
    if limits is not None and not (samples.min() >= limits.min and samples.max() <= limits.max):
        raise ReadError(path, f"has samples that do not fit its type {dtype}", "It is damaged.")
    return samples.astype(dtype)


def _arrange(stored: NDArray[Any], n_channels: int, warnings: list[str]) -> tuple[NDArray[Any], ChannelKind]:
    """Bring ([t], [k], j, i, channel) samples into (k, j, i) or (C, k, j, i)."""
    native = stored.astype(stored.dtype.newbyteorder("="), copy=False)
    if native.ndim == 5:
        if n_channels > 1:
            native = native.transpose(0, 4, 1, 2, 3).reshape(-1, *native.shape[1:4])
            warnings.append("Its times and channels were put after each other.")
            return np.ascontiguousarray(native), ChannelKind.CHANNEL
        warnings.append("Its fourth axis was taken for time.")
        return np.ascontiguousarray(native[..., 0]), ChannelKind.TIME
    if native.ndim == 3:
        native = native[None]
    if n_channels == 1:
        return np.ascontiguousarray(native[..., 0]), ChannelKind.NONE
    is_colour = n_channels == 3 and native.dtype == np.uint8
    kind = ChannelKind.COLOUR if is_colour else ChannelKind.CHANNEL
    return np.ascontiguousarray(np.moveaxis(native, -1, 0)), kind


def _mm_per_unit(header: _Header, warnings: list[str]) -> float:
    """Millimetres in the unit of spacing and offset (MetaIO's DistanceUnits, which ITK leaves out)."""
    unit = header.fields.get("distanceunits", "").lower()
    if unit not in _MM_PER_UNIT:
        warnings.append("Its lengths are in a unit that is not known; they were taken for millimetres.")
    elif (factor := _MM_PER_UNIT[unit]) != 1.0:
        warnings.append(f"Its lengths were converted from {unit} to millimetres.")
        return factor
    return 1.0


def _note_scale(header: _Header, warnings: list[str]) -> None:
    """Say that a scale of the samples was left out, as ITK leaves it out."""
    slope, offset = (header.numbers((f"elementtointensityfunction{name}",), 1) for name in ("slope", "offset"))
    if (slope or [1.0]) != [1.0] or (offset or [0.0]) != [0.0]:
        warnings.append("It declares a scale of its samples (ElementToIntensityFunction); they are kept as stored.")


def _geometry(header: _Header, sizes: tuple[int, ...], shape: tuple[int, int, int], warnings: list[str]) -> Geometry:
    n_axes = len(sizes)
    steps = header.numbers(("elementspacing", "elementsize"), n_axes)
    matrix = header.numbers(_DIRECTIONS, n_axes * n_axes)
    origin = header.numbers(_ORIGINS, n_axes)
    if steps is None:
        warnings.append("It does not tell its spacing; 1 mm was taken.")
    elif not min(steps) > 0:
        raise ReadError(header.path, f"has the spacing {steps}, and positive millimetres were expected")
    if matrix is None:
        warnings.append("It does not tell its directions; its axes were taken as Left, Posterior, Superior.")
    used = min(n_axes, 3)
    affine_xyz = np.eye(4)
    # ITK writes the direction of axis n as row n of the matrix.
    rows = np.eye(n_axes) if matrix is None else np.reshape(matrix, (n_axes, n_axes))
    affine_xyz[:used, :used] = rows[:used, :used].T * np.asarray([1.0] * n_axes if steps is None else steps)[:used]
    affine_xyz[:used, 3] = np.zeros(used) if origin is None else origin[:used]
    affine = affine_xyz.copy()
    affine[:, :3] = affine_xyz[:, [2, 1, 0]]
    check_affine(header.path, affine)
    affine[:3] *= _mm_per_unit(header, warnings)
    has_no_scale = header.fields.get("comment") == PIXEL_UNIT_MARK
    return Geometry(affine, shape, unit=Unit.PIXEL if has_no_scale else Unit.MILLIMETRE)
