"""RT structure sets: contours as they were drawn, and as labels on the images they were drawn on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_medclf.domain.arrays import BoolArray, FloatArray
from napari_medclf.domain.derived import LabelOrigin, LabelSet, Reference, Region
from napari_medclf.domain.image import Source
from napari_medclf.domain.labels import LabelClass, LabelSchema
from napari_medclf.domain.results import Segmentation
from napari_medclf.io.derived.acquired import acquired_k, planes_of_slices
from napari_medclf.io.derived.contour_place import Placed, place_contours, step_mm
from napari_medclf.io.derived.contour_raster import fill_polygons
from napari_medclf.io.derived.open_file import open_derived
from napari_medclf.io.derived.reference import read_reference
from napari_medclf.io.derived.rtstruct_layers import Layers
from napari_medclf.io.derived.rtstruct_parse import parse_regions
from napari_medclf.io.derived.source_grid import SourceGrid, find_grid
from napari_medclf.io.dicom import tags
from napari_medclf.io.dicom.header import patient_key
from napari_medclf.io.dicom.quiet import quiet
from napari_medclf.io.preflight import refusing
from napari_medclf.io.sniff import name_of

_NO_GRID = "The images it was drawn on are not here, so that its contours are kept and not filled. Open both together."


def read_rtstruct(path: Path, grids: Sequence[SourceGrid] = ()) -> LabelSet:
    """Read the regions of an RT structure set, and fill them on the grid of their images.

    A voxel belongs to a region where its centre is inside the region's contours on that slice, or on one of
    them (see `fill_polygons`). Contours on one slice combine by XOR, so that an inner one is a hole.
    Regions that overlap come in several segmentations.

    Parameters
    ----------
    grids : sequence of SourceGrid
        Images that it may have been drawn on.

    Returns
    -------
    LabelSet
        Without segmentations where none of the images is the one.

    Raises
    ------
    ReadError
        If it is damaged, or holds no regions.
    """
    dataset = open_derived(path)
    warnings: list[str] = []
    with refusing(path, "has contours that cannot be understood", with_text=False), quiet():
        regions = parse_regions(path, dataset, warnings)
        reference = _reference(dataset, regions)
        grid = _find_grid(reference, regions, grids)
        warnings += _reference_sentences(dataset, reference, regions, grid)
        found = () if grid is None else _fill(path, regions, grid, warnings)
    return LabelSet(
        segmentations=found,
        name=name_of(path),
        origin=LabelOrigin.RTSTRUCT,
        source=_source(path, dataset),
        reference=reference,
        is_on_source_grid=grid is not None,
        regions=regions,
        warnings=tuple(warnings),
    )


def _reference(dataset: Any, regions: tuple[Region, ...]) -> Reference:
    """Add the instances that single contours name to those of the whole set."""
    reference = read_reference(dataset)
    by_contours = [one.sop_instance_uid for region in regions for one in region.contours if one.sop_instance_uid]
    return replace(reference, sop_instance_uids=tuple(dict.fromkeys((*reference.sop_instance_uids, *by_contours))))


def _find_grid(reference: Reference, regions: tuple[Region, ...], grids: Sequence[SourceGrid]) -> SourceGrid | None:
    """Of several stacks of the same instances, take the one on whose slices most contours lie."""
    found = find_grid(reference, grids)
    if found is None:
        return None
    held = set(found.source.sop_instance_uids)
    alike = [grid for grid in grids if held & set(grid.source.sop_instance_uids)]
    return found if len(alike) < 2 else max(alike, key=lambda grid: (_count_placed(regions, grid), grid is found))


def _count_placed(regions: tuple[Region, ...], grid: SourceGrid) -> int:
    slices_k, _ = _slices(grid)
    placed = (place_contours(region.contours, grid.geometry, slices_k) for region in regions)
    return sum(len(polygons) for one in placed for polygons in one.by_slice.values())


def _source(path: Path, dataset: Any) -> Source:
    return Source(
        path,
        patient_key=patient_key(tags.text(dataset, "PatientID")),
        study_uid=tags.text(dataset, "StudyInstanceUID"),
        series_uid=tags.text(dataset, "SeriesInstanceUID"),
        sop_instance_uids=(tags.text(dataset, "SOPInstanceUID"),),
        files=(path,),
        description=tags.text(dataset, "SeriesDescription"),
    )


def _reference_sentences(
    dataset: Any, reference: Reference, regions: tuple[Region, ...], grid: SourceGrid | None
) -> list[str]:
    """Say how surely the images are the ones it was drawn on."""
    found = []
    if not reference.series_uid:
        found.append("It does not name the series it was drawn on; its contours and frame of reference had to tell.")
    if grid is None:
        return [*found, _NO_GRID]
    here = set(grid.source.sop_instance_uids)
    n_missing = sum(uid not in here for uid in reference.sop_instance_uids)
    if n_missing and n_missing == len(reference.sop_instance_uids):
        found.append("None of the instances it names is in the series at hand; frame of reference or series matched.")
    elif n_missing:
        found.append(f"It names {len(reference.sop_instance_uids)} slices, {n_missing} of which are not here.")
    frames = {reference.frame_of_reference_uid, grid.geometry.frame_of_reference_uid} - {""}
    if len(frames) == 2:
        found.append("Its frame of reference is not that of the images; they were matched by the instances it names.")
    return [*found, *_named_elsewhere(regions, grid)]


def _named_elsewhere(regions: tuple[Region, ...], grid: SourceGrid) -> list[str]:
    """Find contours whose coordinates lie nearer to another slice than to the one they name."""
    step, found = step_mm(grid.geometry), []
    places = grid.source.acquired_k or tuple(range(grid.geometry.shape[0]))
    for region in regions:
        apart = []
        for contour in region.contours:
            named = grid.find_slice(contour.sop_instance_uid) if contour.sop_instance_uid else None
            if named is not None:
                apart.append(abs(float(grid.geometry.to_index(contour.points)[:, 0].mean()) - places[named]))
        n_apart = sum(one > 0.5 for one in apart)
        if n_apart:
            found.append(
                f"Region {region.number}: {n_apart} contours lie up to {max(apart) * step:.3g} mm off the slice they "
                "name; their coordinates were taken."
            )
    return found


def _fill(path: Path, regions: tuple[Region, ...], grid: SourceGrid, warnings: list[str]) -> tuple[Segmentation, ...]:
    classes = _classes(regions)
    layers = Layers(path, grid.geometry.shape, max((one.value for one in classes), default=1))
    slices_k, planes = _slices(grid)
    for region, label in zip(regions, classes, strict=True):
        placed = place_contours(region.contours, grid.geometry, slices_k)
        warnings += placed.sentences(region.number, step_mm(grid.geometry))
        if not layers.add(label, _masks(placed, grid, planes)):
            warnings.append(f"Region {region.number} overlaps too many others; it is kept as contours and not filled.")
    empty = [region.number for region in regions if not any(one.is_closed for one in region.contours)]
    if empty:
        warnings.append(f"There are no closed contours in region {', '.join(map(str, empty[:8]))}.")
    name = name_of(path)
    return tuple(
        Segmentation(
            labels=labels,
            geometry=grid.geometry,
            schema=LabelSchema(classes=tuple(held)),
            source_digest=grid.source.digest,
            name=name if number == 1 else f"{name} {number}",
        )
        for number, (labels, held) in enumerate(layers.held(), start=1)
    )


def _slices(grid: SourceGrid) -> tuple[FloatArray, NDArray[np.intp]]:
    """Tell where contours may lie along k, and which of these places each plane takes its labels from.

    They lie on the planes of the grid; where gaps were resampled, on the acquired slices, and each plane takes
    those of the slice nearest to it.
    """
    all_planes = np.arange(grid.geometry.shape[0])
    places = acquired_k(grid)
    if np.array_equal(places, np.rint(places)):
        return all_planes.astype(np.float64), all_planes
    return places, planes_of_slices(grid)


def _masks(placed: Placed, grid: SourceGrid, planes: NDArray[np.intp]) -> dict[int, BoolArray]:
    """Fill the contours of each plane (J, I) that has any."""
    shape = (grid.geometry.shape[1], grid.geometry.shape[2])
    filled = {number: fill_polygons(polygons, shape) for number, polygons in placed.by_slice.items()}
    return {k: filled[number] for k, number in enumerate(planes.tolist()) if number in filled}


def _classes(regions: tuple[Region, ...]) -> list[LabelClass]:
    """Make a class of each region: its number is the label value where that is above 0 and its own."""
    numbers = [region.number for region in regions]
    free = iter(set(range(1, 2 * len(numbers) + 2)) - set(numbers))
    taken: set[int] = set()
    names: set[str] = set()
    found = []
    for region in regions:
        is_usable = 0 < region.number <= np.iinfo(np.uint16).max and region.number not in taken
        value = region.number if is_usable else next(free)
        name = region.name if region.name not in names else f"{region.name} ({value})"
        taken.add(value)
        names.add(name)
        found.append(LabelClass(value=value, name=name, colour=region.colour, code=region.code))
    return found
