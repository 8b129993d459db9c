"""Regions filled on the grid of their images, in as few label images as hold them all."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_medclf.domain.arrays import FloatArray
from napari_medclf.domain.derived import Region
from napari_medclf.domain.labels import LabelClass, LabelSchema
from napari_medclf.domain.results import Segmentation
from napari_medclf.io.derived.acquired import acquired_k, planes_of_slices
from napari_medclf.io.derived.rtstruct.contour_place import place_contours, step_mm
from napari_medclf.io.derived.rtstruct.layers import Layers
from napari_medclf.io.derived.source_grid import SourceGrid
from napari_medclf.io.sniff import name_of

_MOST_NAMED = 8


def fill_regions(
    path: Path, regions: Sequence[Region], grid: SourceGrid, warnings: list[str]
) -> tuple[Segmentation, ...]:
    """Turn contours into labels; the value of a label is the region's number where that is above 0 and its own.

    Parameters
    ----------
    warnings : list of str
        Gains a sentence for what was not filled, with region numbers and mm.

    Raises
    ------
    ReadError
        If there is no memory for a label image.
    """
    classes = _classes(regions)
    layers = Layers(path, grid.geometry.shape, max((one.value for one in classes), default=1))
    slices_k, planes = slices_of(grid)
    too_many = []
    for region, label in zip(regions, classes, strict=True):
        placed = place_contours(region.contours, grid.geometry, slices_k)
        warnings += placed.sentences(region.number, step_mm(grid.geometry))
        by_plane = {k: placed.by_slice[n] for k, n in enumerate(planes.tolist()) if n in placed.by_slice}
        if not layers.add(label, by_plane):
            too_many.append(region.number)
    if too_many:
        named = _name(too_many).capitalize()
        warnings.append(f"{named}: too many overlaps, or too large an area, to be filled; kept as contours.")
    empty = [region.number for region in regions if not any(one.is_closed for one in region.contours)]
    if empty:
        warnings.append(f"There are no closed contours in {_name(empty)}.")
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


def slices_of(grid: SourceGrid) -> tuple[FloatArray, NDArray[np.intp]]:
    """Tell where contours may lie along k, and which of these places each plane takes its labels from.

    They lie on the planes of the grid; where gaps were resampled, on the acquired slices, and each plane takes
    those of the slice nearest to it.
    """
    all_planes = np.arange(grid.geometry.shape[0])
    places = acquired_k(grid)
    if np.array_equal(places, np.rint(places)):
        return all_planes.astype(np.float64), all_planes
    return places, planes_of_slices(grid)


def _name(numbers: list[int]) -> str:
    """List regions by number, the first few of many."""
    named = ", ".join(map(str, numbers[:_MOST_NAMED]))
    more = f" and {len(numbers) - _MOST_NAMED} more" if len(numbers) > _MOST_NAMED else ""
    return f"region{'s' if len(numbers) > 1 else ''} {named}{more}"


def _classes(regions: Sequence[Region]) -> list[LabelClass]:
    numbers = [region.number for region in regions]
    free = iter(sorted(set(range(1, 2 * len(numbers) + 2)) - set(numbers)))
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
