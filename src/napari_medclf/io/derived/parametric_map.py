"""Parametric maps: a measured quantity for every voxel, such as a diffusion coefficient."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from napari_medclf.domain.arrays import PixelArray
from napari_medclf.domain.errors import ReadError
from napari_medclf.domain.geometry import Geometry
from napari_medclf.domain.image import ChannelKind, MedImage, Scale, Source
from napari_medclf.io.derived.reference import items, read_reference
from napari_medclf.io.derived.source_grid import SourceGrid, find_grid
from napari_medclf.io.derived.sr.code import read_code
from napari_medclf.io.dicom import tags
from napari_medclf.io.dicom.header import Header, build_headers
from napari_medclf.io.dicom.layout import check_inflated, read_layout
from napari_medclf.io.dicom.pixels.samples import read_gray
from napari_medclf.io.dicom.quiet import quiet
from napari_medclf.io.dicom.series.place import Placement, PlacementError, place
from napari_medclf.io.preflight import check_file, refusing
from napari_medclf.io.sniff import name_of

_QUANTITY = ("246205007", "G-C1C6")
"""Codes of the concept "Quantity" in SNOMED CT, new and old (PS3.3 C.7.6.16.2.11)."""
_SAME_GRID_MM = 0.01
_UNIT = re.compile(r"[\w%/.{}\[\]'*^+-]{1,16}")


@dataclass(frozen=True)
class _Mapping:
    """What the stored values of a frame mean.

    Parameters
    ----------
    quantity : str
        Its name where DICOM or SNOMED CT give one, else its code.
    """

    quantity: str
    unit: str
    slope: float
    intercept: float
    first: float
    last: float

    @property
    def label(self) -> str:
        """Quantity and unit in short."""
        unit = "" if self.unit in ("", "1") else f"({self.unit})"
        return f"{self.quantity} {unit}".strip()


@dataclass(frozen=True)
class _Map:
    """The frames of one quantity, in order of axis k."""

    mapping: _Mapping
    placement: Placement


def read_parametric_map(path: Path, grids: Sequence[SourceGrid] = ()) -> MedImage:
    """Read a parametric map with its samples in real-world units.

    Frames are placed by their functional groups, and lie on the grid of the source image where they are its
    slices. Several quantities become channels.

    Parameters
    ----------
    grids : sequence of SourceGrid
        Images that it may have been made from.

    Raises
    ------
    ReadError
        If it is damaged, does not say where its frames lie, or maps values by a table.

    Notes
    -----
    Parametric Map IOD (DICOM PS3.3 A.75); Real World Value Mapping (C.7.6.16.2.11): value = slope * stored + intercept.
    """
    size = check_file(path)
    with path.open("rb") as file, refusing(path, "is a damaged parametric map", with_text=False), quiet():
        check_inflated(path, file)
        from pydicom import dcmread

        dataset = dcmread(file, stop_before_pixels=True, force=True)
        headers = build_headers(path, dataset, read_layout(path, dataset, file, size))
        maps = _sort(path, headers, _mappings(path, dataset, len(headers)))
        return _image(path, dataset, maps, grids)


def _mappings(path: Path, dataset: Any, n_frames: int) -> list[_Mapping]:
    shared = items(dataset, "SharedFunctionalGroupsSequence")
    groups = items(dataset, "PerFrameFunctionalGroupsSequence")
    if len(groups) != n_frames:
        raise ReadError(path, "does not tell where its frames lie")
    return [_mapping(path, [group, *shared, dataset]) for group in groups]


def _mapping(path: Path, groups: list[Any]) -> _Mapping:
    found = next((one for group in groups for one in items(group, "RealWorldValueMappingSequence")), None)
    if found is None:
        return _Mapping("", "", 1.0, 0.0, -np.inf, np.inf)
    if "RealWorldValueLUTData" in found:
        raise ReadError(path, "maps its samples to values by a table, which is not read")
    unit = read_code(found, "MeasurementUnitsCodeSequence")
    value = unit.value if unit is not None and _UNIT.fullmatch(unit.value) else ""
    return _Mapping(
        quantity=_quantity(found),
        unit=value,
        slope=tags.number(found, "RealWorldValueSlope", 1.0),
        intercept=tags.number(found, "RealWorldValueIntercept", 0.0),
        first=_limit(found, "FirstValueMapped", -np.inf),
        last=_limit(found, "LastValueMapped", np.inf),
    )


def _limit(mapping: Any, end: str, default: float) -> float:
    names = (f"DoubleFloatRealWorldValue{end}", f"RealWorldValue{end}")
    return next((tags.number(mapping, name, default) for name in names if name in mapping), default)


def _quantity(mapping: Any) -> str:
    """Name the quantity by the standard's own words; what the file says is free text."""
    for item in items(mapping, "QuantityDefinitionSequence"):
        name, value = read_code(item, "ConceptNameCodeSequence"), read_code(item, "ConceptCodeSequence")
        if name is None or value is None or name.value not in _QUANTITY:
            continue
        from pydicom.sr.codedict import codes

        known = getattr(codes, value.scheme, None) if value.scheme in ("DCM", "SCT") else None
        concepts = () if known is None else known.concepts.values()
        meaning = next((concept.meaning for concept in concepts if concept.value == value.value), "")
        return str(meaning) or (value.value if value.value.isalnum() and len(value.value) <= 16 else "")
    return ""


def _sort(path: Path, headers: Sequence[Header], mappings: Sequence[_Mapping]) -> list[_Map]:
    """Gather the frames of each quantity and place them; all must lie alike."""
    by_label: dict[tuple[str, str], list[int]] = {}
    for number, mapping in enumerate(mappings):
        by_label.setdefault((mapping.quantity, mapping.unit), []).append(number)
    maps = []
    for numbers in by_label.values():
        meant = [replace(headers[n], slope=mappings[n].slope, intercept=mappings[n].intercept) for n in numbers]
        try:
            maps.append(_Map(mappings[numbers[0]], place(meant)))
        except PlacementError as error:
            raise ReadError(path, error.reason, error.hint) from error
    first = maps[0].placement
    for other in maps[1:]:
        if other.placement.n_slices != first.n_slices or np.abs(other.placement.affine - first.affine).max() > 1e-3:
            raise ReadError(path, f"holds maps of {len(maps)} quantities that lie on different slices")
    return maps


def _image(path: Path, dataset: Any, maps: Sequence[_Map], grids: Sequence[SourceGrid]) -> MedImage:
    header = maps[0].placement.headers[0]
    warnings = [*header.warnings, *maps[0].placement.warnings]
    volumes = [_samples(one, warnings) for one in maps]
    is_single = len(volumes) == 1
    labels = tuple(one.mapping.label for one in maps)
    return MedImage(
        data=volumes[0] if is_single else np.stack(volumes),
        geometry=_geometry(dataset, maps[0].placement, grids, warnings),
        name=f"{name_of(path)} {labels[0]}".strip() if is_single else name_of(path),
        modality=header.modality,
        scale=_scale(maps[0].mapping.unit) if len({one.mapping.unit for one in maps}) == 1 else Scale.RAW,
        channel_kind=ChannelKind.NONE if is_single else ChannelKind.CHANNEL,
        channel_names=() if is_single else labels,
        source=_source(path, maps[0].placement),
        warnings=tuple(dict.fromkeys(warnings)),
    )


def _samples(one: _Map, warnings: list[str]) -> PixelArray:
    volume = read_gray(one.placement.headers, warnings)
    mapping = one.mapping
    limits = sorted(mapping.slope * end + mapping.intercept for end in (mapping.first, mapping.last))
    n_outside = int(np.count_nonzero((volume < limits[0]) | (volume > limits[1])))
    if n_outside:
        warnings.append(f"{n_outside} samples lie outside the range for which the file says what they mean.")
    return volume


def _geometry(dataset: Any, placement: Placement, grids: Sequence[SourceGrid], warnings: list[str]) -> Geometry:
    """Take the source image's own grid where the frames are its slices; the places are the same to 0.01 mm."""
    header = placement.headers[0]
    shape = (placement.n_slices, header.pixels.rows, header.pixels.columns)
    geometry = Geometry(placement.affine, shape, header.frame_of_reference_uid)
    grid = find_grid(read_reference(dataset), grids)
    if grid is None:
        return geometry
    if grid.geometry.same_grid(geometry, _SAME_GRID_MM):
        return grid.geometry
    warnings.append("It lies on a grid of its own, not on that of the image it was made from.")
    return geometry


def _scale(unit: str) -> Scale:
    if unit == "[hnsf'U]":
        return Scale.HU
    return Scale.SUV if "SUV" in unit else Scale.RAW


def _source(path: Path, placement: Placement) -> Source:
    header = placement.headers[0]
    return Source(
        path,
        patient_key=header.patient_key,
        study_uid=header.study_uid,
        series_uid=header.series_uid,
        sop_instance_uids=tuple(one.sop_instance_uid for one in placement.headers),
        frame_numbers=tuple(one.frame or 1 for one in placement.headers),
        files=(path,),
        description=header.description,
    )
