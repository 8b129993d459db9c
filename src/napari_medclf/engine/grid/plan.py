"""Plan the way from an image's grid to the grid that a network expects."""

from __future__ import annotations

from napari_medclf.domain.errors import CardError
from napari_medclf.domain.geometry import Geometry, Shape3, Unit
from napari_medclf.domain.input_spec import InputSpec
from napari_medclf.engine.grid.axis_map import AxisMap
from napari_medclf.engine.grid.crop import Box, crop_geometry
from napari_medclf.engine.grid.cubic import slice_axis
from napari_medclf.engine.grid.grid_map import GridMap
from napari_medclf.engine.grid.spacing_corner import keeps_first_voxel
from napari_medclf.engine.grid.upright import stand_upright

Maps = tuple[AxisMap, AxisMap, AxisMap]
Flips = tuple[bool, bool, bool]
_WORLD_AXIS_OF_LETTER = {"R": (0, -1), "L": (0, 1), "A": (1, -1), "P": (1, 1), "I": (2, -1), "S": (2, 1)}


def map_grid(source: Geometry, spec: InputSpec, crop: Box | None = None) -> GridMap:
    """Plan the way to the grid that a network expects.

    Parameters
    ----------
    source : Geometry
        Grid of the image.
    crop : three (start, stop) or None
        Box to be cut out first; `prepare` finds that of `InputSpec.crop`.

    Raises
    ------
    CardError
        If axis codes do not name three axes.

    Notes
    -----
    A sheared grid (a tilted gantry) stands upright first for a 3D network, and labels come back to the
    slices as they were acquired. A 2D network sees the slices as they are: only rows and columns are
    resized, and pictures without a scale keep their axes and their pixels unless `resize_to` says otherwise.
    """
    base = source if crop is None else crop_geometry(source, crop)
    upright = stand_upright(base) if spec.spatial_dims == 3 else None
    base = base if upright is None else upright.geometry
    order, flips = _plan_turn(base, spec)
    turned = base.permuted(order, flips)
    axes = _plan_axes(turned, spec)
    apart = None
    if spec.resampling == "cubic":
        model = [spacing * one.step for spacing, one in zip(turned.spacing, axes, strict=True)]
        apart = slice_axis(turned.spacing, model)
    return GridMap(source, order, flips, axes, upright, crop, spec.resampling, apart)


def _plan_turn(source: Geometry, spec: InputSpec) -> tuple[Shape3, Flips]:
    unflipped: Flips = (False, False, False)
    if spec.axis_codes is None:
        order: Shape3 = spec.axis_order
        # Turning a picture on its edge would leave no picture.
        stays = spec.spatial_dims == 2 and source.is_flat and order[0] != 0
        return ((0, 1, 2) if stays else order), unflipped
    if source.unit is Unit.PIXEL:
        return (0, 1, 2), unflipped
    wanted = _parse_axis_codes(spec.axis_codes)
    axis_of_world = {world: (axis, sign) for axis, (world, sign) in enumerate(source.nearest_axes)}
    found = [axis_of_world[world] for world, _ in wanted]
    if spec.spatial_dims == 2 and source.is_flat and found[0][0] != 0:
        return (0, 1, 2), unflipped
    flipped = [sign != want for (_, sign), (_, want) in zip(found, wanted, strict=True)]
    return (found[0][0], found[1][0], found[2][0]), (flipped[0], flipped[1], flipped[2])


def _parse_axis_codes(codes: str) -> list[tuple[int, int]]:
    wanted = [_WORLD_AXIS_OF_LETTER.get(letter, (-1, 0)) for letter in codes]
    if sorted(world for world, _ in wanted) != [0, 1, 2]:
        raise CardError(f"The axis codes {codes!r} do not name three axes; expected such as 'SPL'.")
    return wanted


def _plan_axes(turned: Geometry, spec: InputSpec) -> Maps:
    maps = [AxisMap.between_edges(n, n) for n in turned.shape]
    kept = 3 - spec.spatial_dims
    if spec.resize_to is not None:
        maps[kept:] = [AxisMap.between_edges(n, to) for n, to in zip(turned.shape[kept:], spec.resize_to, strict=True)]
    elif spec.spacing_mm is not None and turned.unit is Unit.MILLIMETRE:
        each = zip(turned.shape[kept:], turned.spacing[kept:], spec.spacing_mm, strict=True)
        is_middle = spec.align == "centre" and kept == 0 and not _keeps_first_voxel(turned, spec.spacing_mm)
        maps[kept:] = [_plan_axis(n, spacing, wanted, spec, is_middle=is_middle) for n, spacing, wanted in each]
    return (maps[0], maps[1], maps[2])


def _keeps_first_voxel(turned: Geometry, spacing_mm: tuple[float, ...]) -> bool:
    return keeps_first_voxel(turned.affine[:3, :3], turned.shape, spacing_mm)


def _plan_axis(n: int, spacing_mm: float, wanted_mm: float, spec: InputSpec, *, is_middle: bool) -> AxisMap:
    if spec.align == "centre":
        step = wanted_mm / spacing_mm
        return AxisMap.from_middle(n, step) if is_middle else AxisMap.from_centre(n, step)
    return AxisMap.between_edges(n, max(1, round(n * spacing_mm / wanted_mm)))
