"""A box of an image comes home from a box of the model grid exactly as from the whole."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from napari_medclf.domain.input_spec import InputSpec
from napari_medclf.engine.grid.plan import map_grid
from napari_medclf.engine.instant.part import at_least, box_around, grown, part_of, to_model
from napari_medclf.testing.phantoms import MARKED_VOXEL, oblique_phantom

_GRIDS = [
    {},
    {"spacing_mm": (1.0, 1.0, 1.0), "axis_codes": "LPS"},
    {"spacing_mm": (5.0, 3.0, 4.0), "axis_codes": "RAS", "resampling": "linear"},
    {"spacing_mm": (1.3, 4.1, 2.2), "resampling": "cubic"},
]


def _grid(changes):
    spec = InputSpec(spatial_dims=3, channels=("gray",), intensity={"kind": "none"}, patch_vox=(8, 8, 8), **changes)
    return map_grid(oblique_phantom().geometry, spec)


@pytest.mark.parametrize("changes", _GRIDS, ids=["same", "finer", "coarser", "mixed-cubic"])
@pytest.mark.parametrize("box", [((2, 3), (0, 20), (0, 28)), ((4, 9), (3, 11), (7, 8)), ((0, 12), (5, 20), (0, 9))])
def test_a_box_comes_home_as_from_the_whole(changes, box):
    grid = _grid(changes)
    values = np.random.default_rng(0).random((2, *grid.shape)).astype(np.float32)
    part = part_of(grid, box)
    whole = grid.restore(values)[(slice(None), *(slice(*one) for one in box))]
    np.testing.assert_allclose(part.grid.restore(values[(slice(None), *part.slices)]), whole, atol=2e-6)
    assert part.grid.source.shape == whole.shape[1:]
    corner = np.array([one[0] for one in box])
    np.testing.assert_allclose(part.grid.source.to_world(np.zeros(3)), grid.source.to_world(corner), atol=1e-9)


def test_a_box_outside_of_the_crop_has_no_part():
    grid = _grid({})
    cropped = replace(
        grid, crop=((2, 8), (0, 20), (0, 28)), axes=(replace(grid.axes[0], n_source=6, n_model=6), *grid.axes[1:])
    )
    assert part_of(cropped, ((9, 11), (0, 5), (0, 5))) is None
    part = part_of(cropped, ((0, 4), (0, 5), (0, 5)))
    home = part.grid.restore(np.ones((1, *part.shape), np.float32))
    np.testing.assert_array_equal(home[0, :, 0, 0], [0, 0, 1, 1])


@pytest.mark.parametrize("changes", _GRIDS[:3])
def test_a_voxel_is_found_on_the_model_grid(changes):
    image, grid = oblique_phantom(), _grid(changes)
    found = to_model(grid, np.array([MARKED_VOXEL]))
    world = grid.model.to_world(found[0].astype(float))
    away = np.abs(image.geometry.to_index(world) - MARKED_VOXEL) * image.geometry.spacing
    assert (away <= np.array(grid.model.spacing).max() / 2 + 1e-6).all()


def test_boxes_are_moved_into_the_image():
    shape = (5, 20, 30)
    assert box_around((0, 19, 15), (9, 6, 10), shape) == ((0, 5), (14, 20), (10, 20))
    assert at_least(((0, 1), (18, 20), (3, 30)), (3, 8, 4), shape) == ((0, 3), (12, 20), (3, 30))
    assert grown(((1, 2), (0, 3), (25, 30)), (2, 2, 2), shape) == ((0, 4), (0, 5), (23, 30))
