"""RT structure sets: contours as they were drawn, and as labels on the images they were drawn on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from napari_medclf.domain.derived import LabelOrigin, LabelSet, Reference, Region
from napari_medclf.io.derived.open_file import open_derived
from napari_medclf.io.derived.origin import source_of
from napari_medclf.io.derived.reference import read_reference
from napari_medclf.io.derived.rtstruct.contour_place import place_contours, step_mm
from napari_medclf.io.derived.rtstruct.fill import fill_regions, slices_of
from napari_medclf.io.derived.rtstruct.parse import parse_regions
from napari_medclf.io.derived.source_grid import SourceGrid, find_grid
from napari_medclf.io.dicom.quiet import quiet
from napari_medclf.io.preflight import refusing
from napari_medclf.io.sniff import name_of

_MOST_WARNINGS = 20
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
        found = () if grid is None else fill_regions(path, regions, grid, warnings)
    return LabelSet(
        segmentations=found,
        name=name_of(path),
        origin=LabelOrigin.RTSTRUCT,
        source=source_of(path, dataset),
        reference=reference,
        is_on_source_grid=grid is not None,
        regions=regions,
        warnings=_first_ones(warnings),
    )


def _first_ones(warnings: list[str]) -> tuple[str, ...]:
    """Keep a damaged file of thousands of regions from filling the screen."""
    n_more = len(warnings) - _MOST_WARNINGS
    return tuple(warnings) if n_more <= 0 else (*warnings[:_MOST_WARNINGS], f"{n_more} more things are odd with it.")


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
    slices_k, _ = slices_of(grid)
    placed = (place_contours(region.contours, grid.geometry, slices_k) for region in regions)
    return sum(len(polygons) for one in placed for polygons in one.by_slice.values())


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
