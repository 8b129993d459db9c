"""A tilted series stands upright for a network, and its mask comes back to the slices as acquired."""

from __future__ import annotations

import numpy as np
import pytest

from napari_medclf.domain.geometry import Geometry, Unit
from napari_medclf.domain.image import MedImage
from napari_medclf.domain.input_spec import InputSpec, Intensity
from napari_medclf.engine.grid.upright import stand_upright
from napari_medclf.engine.prepare import prepare
from napari_medclf.engine.restore.argmax import ArgmaxHome

SHAPE = (11, 20, 28)
SPACING_MM = (4.0, 0.7, 0.5)


def tilted(degrees: float, *, axis: int = 0, turn: np.ndarray | None = None) -> Geometry:
    """A grid whose `axis` leans along the next one."""
    affine = Geometry.from_spacing(SHAPE, SPACING_MM, origin=(-30.0, 12.0, 7.0)).affine.copy()
    along = affine[:3, (axis + 1) % 3] / np.linalg.norm(affine[:3, (axis + 1) % 3])
    affine[:3, axis] += np.tan(np.radians(degrees)) * SPACING_MM[axis] * along
    if turn is not None:
        affine[:3] = turn @ affine[:3]
    return Geometry(affine, SHAPE)


def rotation() -> np.ndarray:
    q, _ = np.linalg.qr(np.random.default_rng(5).normal(size=(3, 3)))
    return q if np.linalg.det(q) > 0 else -q


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("degrees", [18.5, -7.0])
def test_every_voxel_stays_within_half_a_voxel_of_its_place(axis: int, degrees: float) -> None:
    source = tilted(degrees, axis=axis, turn=rotation())
    upright = stand_upright(source)
    assert upright is not None
    assert upright.geometry.shear_deg < 1e-4
    numbers = np.arange(1, np.prod(SHAPE) + 1).reshape(1, *SHAPE)
    moved = upright.forward(numbers.astype(np.float64))[0]
    here, there = np.argwhere(numbers[0] > 0), np.zeros((numbers.size, 3))
    found = np.argwhere(moved > 1)  # the first voxel holds the lowest value, as the room beside does
    there[moved[tuple(found.T)].astype(int) - 1] = found
    apart = source.to_world(here[1:]) - upright.geometry.to_world(there[1:])
    in_vox = np.abs(apart @ (source.directions / np.asarray(source.spacing)))
    assert len(found) == numbers.size - 1
    assert np.delete(in_vox, axis, axis=1).max() <= 0.5 + 1e-6
    assert np.array_equal(upright.back(moved.astype(np.int64)), numbers[0])


def test_mask_of_a_tilted_series_comes_home_voxel_for_voxel() -> None:
    source = tilted(18.5)
    image = MedImage(np.random.default_rng(1).normal(size=SHAPE).astype(np.float32), source, "head")
    spec = InputSpec(
        spatial_dims=3, channels=("gray",), intensity=Intensity(kind="window", low=-9, high=9), patch_vox=(8, 8, 8)
    )
    grid = prepare(image, spec).grid
    assert grid.upright is not None
    assert not grid.model.is_sheared
    labels = np.random.default_rng(2).integers(0, 3, SHAPE)
    assert np.array_equal(grid.restore_labels(grid.forward_labels(labels)), labels)
    logits = np.stack([grid.forward((labels == value)[None].astype(np.float32))[0] for value in range(3)])
    home = ArgmaxHome(grid, len(logits))
    home.take(0, logits)
    assert np.array_equal(home.finish(), labels)


def test_a_network_sees_a_straight_rod_straight() -> None:
    source = tilted(5.0)
    world = source.to_world(np.stack(np.meshgrid(*map(np.arange, SHAPE), indexing="ij"), axis=-1))
    middle = world.reshape(-1, 3).mean(axis=0)
    rod = (np.hypot(*(world - middle)[..., :2].T).T < 2.0).astype(np.float32)
    upright = stand_upright(source)
    assert upright is not None
    seen = upright.forward(rod[None])[0] > 0.5
    centres = np.array([np.argwhere(plane).mean(axis=0) for plane in seen])
    leaning = np.array([np.argwhere(plane > 0.5).mean(axis=0) for plane in rod])
    assert np.ptp(centres, axis=0).max() <= 1.0
    assert np.ptp(leaning, axis=0).max() > 4


def test_right_angled_flat_and_unscaled_grids_are_left_alone() -> None:
    straight = Geometry.from_spacing(SHAPE, SPACING_MM)
    assert stand_upright(straight) is None
    assert stand_upright(Geometry(tilted(18.5).affine, SHAPE, unit=Unit.PIXEL)) is None
    assert stand_upright(Geometry(tilted(18.5).affine, (1, 20, 28))) is None
    assert stand_upright(tilted(0.3)) is None
