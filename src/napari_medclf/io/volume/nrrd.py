"""NRRD files (the format of 3D Slicer): .nrrd, and .nhdr with the samples beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_medclf.domain.arrays import FloatArray
from napari_medclf.domain.errors import ReadError
from napari_medclf.domain.geometry import Geometry, Unit
from napari_medclf.domain.image import ChannelKind, MedImage, Scale, Source
from napari_medclf.io.preflight import check_file, refusing
from napari_medclf.io.sniff import name_of
from napari_medclf.io.volume.affine import check_affine
from napari_medclf.io.volume.nrrd_header import NrrdHeader, read_nrrd_header
from napari_medclf.io.volume.nrrd_samples import read_nrrd_samples
from napari_medclf.io.window import robust_window

# The world axes of each space, as factors that lead to LPS.
_TO_LPS = {
    **dict.fromkeys(("left-posterior-superior", "lps"), (1, 1, 1)),
    **dict.fromkeys(("right-anterior-superior", "ras"), (-1, -1, 1)),
    **dict.fromkeys(("left-anterior-superior", "las"), (1, -1, 1)),
}
_SCANNER_SPACES = ("scanner-xyz", "3d-right-handed")
_SCANNER_NOTE = "It lies in the scanner's frame, not the patient's; x, y, z were taken as Left, Posterior, Superior."
_MM_PER_UNIT = {"mm": 1.0, "cm": 10.0, "m": 1000.0, "um": 1e-3, "nm": 1e-6, "µm": 1e-3, "micron": 1e-3, "microns": 1e-3}
_TIME_SUFFIX = "-time"
_COLOUR_KINDS = ("rgb-color", "3-color", "rgba-color", "4-color")
_COMPLEX_KINDS = ("complex", "2-vector-complex")


def read_nrrd(path: Path) -> MedImage:
    """Read a 2-D, 3-D or 4-D file; an axis that is not spatial becomes time, colour or channels.

    Raises
    ------
    ReadError
        If it is damaged, its samples lie outside its folder, or its world frame is not the patient's.
    """
    check_file(path)
    with refusing(path, "cannot be read as NRRD"):
        header = read_nrrd_header(path)
        warnings: list[str] = []
        if header.lacks_endian:
            warnings.append("It does not tell the order of its bytes; the lowest was taken to come first.")
        samples, kind = _arrange(header, read_nrrd_samples(header, warnings), warnings)
        geometry = _geometry(header, samples.shape[-3:], warnings)
        is_colour = kind is ChannelKind.COLOUR
        return MedImage(
            data=samples,
            geometry=geometry,
            name=name_of(path),
            scale=Scale.DISPLAY if is_colour else Scale.RAW,
            channel_kind=kind,
            channel_names=("red", "green", "blue") if is_colour else (),
            window=None if is_colour else robust_window(samples),
            source=Source(path),
            warnings=tuple(warnings),
        )


def nrrd_geometry(header: NrrdHeader) -> Geometry:
    """Tell where the voxels lie, without samples.

    Raises
    ------
    ReadError
        As `read_nrrd`.
    """
    spatial = [n for axis, n in enumerate(header.sizes) if axis not in _other_axes(header)]
    k, j, i = (*(1,) * (3 - len(spatial)), *spatial[::-1])
    return _geometry(header, (k, j, i), [])


def _arrange(header: NrrdHeader, stored: NDArray[Any], warnings: list[str]) -> tuple[NDArray[Any], ChannelKind]:
    """Bring samples into (k, j, i) or (C, k, j, i), native and C-contiguous."""
    samples = stored.astype(stored.dtype.newbyteorder("="), copy=False)
    others = _other_axes(header)
    if len(others) > 1 or samples.ndim - len(others) not in (2, 3):
        raise ReadError(header.path, f"has axes of the sizes {header.sizes}, of which {len(others)} are not spatial")
    if others:
        samples = np.moveaxis(samples, samples.ndim - 1 - others[0], 0)
    if samples.ndim - len(others) == 2:
        samples = np.expand_dims(samples, len(others))
    if not others:
        return np.ascontiguousarray(samples), ChannelKind.NONE
    name = header.kinds[others[0]]
    if name in _COMPLEX_KINDS:
        raise ReadError(header.path, "holds complex numbers", "Convert it to a magnitude image.")
    if name in _COLOUR_KINDS and len(samples) in (3, 4) and samples.dtype == np.uint8:
        if len(samples) == 4 and samples[3].min() != samples[3].max():
            warnings.append("Its transparency was left out.")
        return np.ascontiguousarray(samples[:3]), ChannelKind.COLOUR
    is_time = name == "time" or _is_time_space(header)
    return np.ascontiguousarray(samples), ChannelKind.TIME if is_time else ChannelKind.CHANNEL


def _is_time_space(header: NrrdHeader) -> bool:
    return header.fields.get("space", "").lower().endswith(_TIME_SUFFIX)


def _other_axes(header: NrrdHeader) -> tuple[int, ...]:
    """Axes that are not spatial; in a space with time, the axis that moves through time only."""
    if not _is_time_space(header):
        return header.other_axes
    return tuple(axis for axis, step in enumerate(header.directions) if step is None or not any(step[:3]))


def _geometry(header: NrrdHeader, shape: tuple[int, int, int], warnings: list[str]) -> Geometry:
    others = _other_axes(header)
    directions = [step for axis, step in enumerate(header.directions) if axis not in others and step is not None]
    if not directions:
        return _without_place(header, others, shape, warnings)
    n_axes = 4 if _is_time_space(header) else 3
    if "space origin" not in header.fields:
        warnings.append("It does not tell where its first voxel lies; 0, 0, 0 was taken.")
    origin = header.vector(header.fields["space origin"]) if "space origin" in header.fields else [0.0] * n_axes
    if len(directions) == 2 and shape[0] == 1 and all(len(step) == n_axes for step in directions):
        directions.append(_normal(directions))
    if len(directions) != 3 or any(len(vector) != n_axes for vector in (*directions, origin)):
        raise ReadError(header.path, "has other space directions than three vectors of three numbers")
    affine = np.eye(4)
    affine[:3, :3] = np.array([step[:3] for step in directions[::-1]]).T
    affine[:3, 3] = origin[:3]
    check_affine(header.path, affine)
    return Geometry(_to_lps(header, warnings) @ affine, shape)


def _normal(directions: list[list[float]]) -> list[float]:
    """Give a flat image a third axis of 1 mm."""
    normal = np.cross(directions[0][:3], directions[1][:3])
    length = float(np.linalg.norm(normal))
    return [*(normal / length if length else normal), *directions[0][3:]]


def _to_lps(header: NrrdHeader, warnings: list[str]) -> FloatArray:
    space = header.fields.get("space", "").lower().removesuffix(_TIME_SUFFIX)
    if space in _SCANNER_SPACES:
        warnings.append(_SCANNER_NOTE)
    elif space not in _TO_LPS:
        raise ReadError(header.path, "does not lie in a patient's space", "LPS, RAS or LAS was expected.")
    factor = _mm_per_unit(header, header.quoted("space units"), warnings)
    return np.diag([*(factor * sign for sign in _TO_LPS.get(space, (1, 1, 1))), 1.0])


def _mm_per_unit(header: NrrdHeader, units: list[str], warnings: list[str]) -> float:
    """Millimetres in the unit of all axes; 1 where they have none, or one that is not known."""
    if len({unit.lower() for unit in units}) > 1:
        raise ReadError(header.path, "has lengths in different units", "Save it in millimetres.")
    unit = units[0].lower() if units else ""
    if unit and unit not in _MM_PER_UNIT:
        warnings.append("Its lengths are in a unit that is not known; they were taken for millimetres.")
    factor = _MM_PER_UNIT.get(unit, 1.0)
    if factor != 1.0:
        warnings.append(f"Its lengths were converted from {unit} to millimetres.")
    return factor


def _without_place(
    header: NrrdHeader, others: tuple[int, ...], shape: tuple[int, int, int], warnings: list[str]
) -> Geometry:
    """Grid of a file with spacings alone, or with nothing at all."""
    words = header.fields.get("spacings", "").split()
    steps = [float(step) for axis, step in enumerate(words) if axis not in others]
    warnings.append("It has no place in the patient; its axes were taken as Left, Posterior, Superior.")
    if not steps or not np.isfinite(steps).all():
        return Geometry.from_spacing(shape, unit=Unit.PIXEL)
    units = [unit for axis, unit in enumerate(header.quoted("units")) if axis not in others]
    factor = _mm_per_unit(header, units, warnings)
    i, j, k = (*(factor * step for step in steps), 1.0, 1.0, 1.0)[:3]
    return Geometry.from_spacing(shape, (k, j, i))
