"""A box comes home to the voxels it was drawn around, however the image was turned."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from napari_medclf.domain.geometry import Geometry
from napari_medclf.domain.input_spec import InputSpec, Intensity
from napari_medclf.engine.detection.home import restore_boxes
from napari_medclf.engine.grid.plan import map_grid
from napari_medclf.testing.phantoms import MARKED_VOXEL, oblique_phantom

_BLOCK = (slice(2, 6), slice(5, 17), slice(4, 11))
_BOX = np.array([[1.5, 4.5, 3.5], [5.5, 16.5, 10.5]])


def _spec(**changes: object) -> InputSpec:
    given = {
        "spatial_dims": 3,
        "channels": ("gray",),
        "intensity": Intensity(kind="none"),
        "patch_vox": (8, 8, 8),
    }
    return InputSpec(**(given | changes))


def _box_around(values: np.ndarray, level: float) -> np.ndarray:
    index = np.argwhere(values > level)
    return np.array([index.min(0) - 0.5, index.max(0) + 0.5])


@pytest.mark.parametrize("axis_codes", [None, "SPL", "LAI", "ARS", "IPR"])
@pytest.mark.parametrize("align", ["edges", "centre"])
def test_turned_box_comes_home_exactly(axis_codes: str | None, align: str) -> None:
    geometry = oblique_phantom().geometry
    grid = map_grid(geometry, _spec(axis_codes=axis_codes, align=align))
    painted = np.zeros((1, *geometry.shape), dtype=np.float32)
    painted[(0, *_BLOCK)] = 1
    on_model_grid = _box_around(grid.forward(painted)[0], 0.5)
    np.testing.assert_allclose(restore_boxes(on_model_grid[None], grid), _BOX[None], atol=1e-6)


@pytest.mark.parametrize("axis_codes", ["SPL", "LAI"])
def test_resampled_box_comes_home_within_a_voxel_of_the_model(axis_codes: str) -> None:
    geometry = oblique_phantom().geometry
    grid = map_grid(geometry, _spec(axis_codes=axis_codes, spacing_mm=(0.6, 0.6, 0.6)))
    painted = np.zeros((1, *geometry.shape), dtype=np.float32)
    painted[(0, *_BLOCK)] = 1
    home = restore_boxes(_box_around(grid.forward(painted)[0], 0.5)[None], grid)[0]
    off_mm = np.abs(home - _BOX) * geometry.spacing
    assert off_mm.max() <= 0.6


def test_box_of_the_marked_voxel_holds_its_place_in_the_patient() -> None:
    geometry = oblique_phantom().geometry
    grid = map_grid(geometry, _spec(axis_codes="LAI", spacing_mm=(1.0, 1.0, 1.0)))
    place = grid.model.to_index(geometry.to_world(np.array(MARKED_VOXEL, dtype=float)))
    home = restore_boxes(np.stack([place - 1, place + 1])[None], grid)
    np.testing.assert_allclose(home.mean(axis=1)[0], MARKED_VOXEL, atol=1e-9)


def test_tilted_image_gets_the_smallest_box_around() -> None:
    affine = np.eye(4)
    affine[:3, :3] = [[0, 0, 1.0], [0.8, 1.0, 0], [3.0, 0, 0]]  # slices slide along j
    geometry = Geometry(affine, (10, 20, 24))
    grid = map_grid(geometry, _spec())
    assert grid.upright is not None
    place = grid.model.to_index(geometry.to_world(np.array([4.0, 9.0, 11.0])))
    home = restore_boxes(np.stack([place - 1.5, place + 1.5])[None], grid)[0]
    np.testing.assert_allclose(home.mean(axis=0), (4, 9, 11), atol=1e-6)
    assert home[1, 1] - home[0, 1] > 3.0


def test_what_reaches_out_of_the_image_is_cut_off() -> None:
    grid = map_grid(oblique_phantom().geometry, _spec())
    home = restore_boxes(np.array([[[-9.0, 2, 2], [99, 5, 5]]]), grid)
    assert home[0, :, 0].tolist() == [-0.5, 11.5]


def test_no_boxes_are_no_boxes() -> None:
    assert restore_boxes(np.zeros((0, 2, 3)), map_grid(oblique_phantom().geometry, _spec())).shape == (0, 2, 3)


def test_picture_keeps_its_box() -> None:
    grid = map_grid(Geometry.flat(30, 40), replace_dims(_spec()))
    box = np.array([[[-0.5, 3.5, 7.5], [0.5, 11.5, 20.5]]])
    np.testing.assert_allclose(restore_boxes(box, grid), box)


def replace_dims(spec: InputSpec) -> InputSpec:
    """The same for pictures."""
    return spec.model_copy(update={"spatial_dims": 2, "patch_vox": (8, 8)})


def test_image_read_from_other_corner_gives_the_same_place() -> None:
    image = oblique_phantom()
    turned = replace(image, data=image.data[::-1], geometry=image.geometry.permuted((0, 1, 2), (True, False, False)))
    one, other = (map_grid(found.geometry, _spec(axis_codes="LAI")) for found in (image, turned))
    box = np.array([[[3.0, 4, 2], [7, 9, 6]]])
    worlds = [grid.source.to_world(restore_boxes(box, grid).mean(axis=1)) for grid in (one, other)]
    np.testing.assert_allclose(worlds[0], worlds[1], atol=1e-9)
