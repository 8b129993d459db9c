"""Labels at home equal the arg-max of interpolating the logits of every class."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from napari_medclf.domain.errors import GridError
from napari_medclf.domain.geometry import Geometry
from napari_medclf.domain.input_spec import InputSpec, Intensity
from napari_medclf.engine.grid.axis_map import AxisMap
from napari_medclf.engine.grid.grid_map import GridMap
from napari_medclf.engine.grid.plan import map_grid
from napari_medclf.engine.restore.argmax import ArgmaxHome
from napari_medclf.testing.phantoms import oblique_phantom

SHAPES = [(24, 40, 56), (13, 33, 30), (27, 71, 31), (12, 20, 90), (30, 20, 28), (1, 40, 40)]


def _logits(shape: tuple[int, int, int], n_classes: int, *, roughness: float = 2.0) -> np.ndarray:
    from scipy.ndimage import gaussian_filter

    noise = np.random.default_rng(8).normal(size=(n_classes, *shape))
    return (60 * gaussian_filter(noise, (0, *[roughness] * 3))).astype(np.float32)


def restore_argmax(logits: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    """Bring logits (C, K, J, I) home to a grid of another shape over the same box."""
    k, j, i = (AxisMap.between_edges(new, old) for old, new in zip(logits.shape[1:], shape, strict=True))
    grid = GridMap(Geometry.from_spacing(shape), (0, 1, 2), (False, False, False), (k, j, i))
    home = ArgmaxHome(grid, len(logits))
    home.take(0, logits)
    return home.finish()


def _interpolate(logits: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    """torch's trilinear interpolation, in double precision."""
    samples = torch.from_numpy(logits.astype(np.float64))[None]
    return torch.nn.functional.interpolate(samples, shape, mode="trilinear", align_corners=False)[0].numpy()


def _assert_largest(found: np.ndarray, each: np.ndarray) -> None:
    """No voxel may differ where the best class leads by more than rounding."""
    ordered = np.sort(each, axis=0)
    is_clear = ordered[-1] - ordered[-2] > 1e-5 * np.abs(each).max()
    differs = found != each.argmax(axis=0)
    assert not (differs & is_clear).any()
    assert differs.mean() < 1e-4


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("n_classes", "roughness"), [(1, 2.0), (2, 2.0), (7, 2.0), (7, 0.6), (30, 0.0), (3, 0.0)])
def test_equals_interpolating_every_class(shape: tuple[int, int, int], n_classes: int, roughness: float) -> None:
    small = (1 if shape[0] == 1 else 12, 20, 28)
    logits = _logits(small, n_classes, roughness=roughness)
    before = logits.copy()
    found = restore_argmax(logits, shape)
    assert found.dtype == np.uint8
    each = _interpolate(logits, shape)
    assert len(np.unique(found)) == len(np.unique(each.argmax(axis=0)))
    if n_classes > 1:
        _assert_largest(found, each)
    assert np.array_equal(logits, before)


@pytest.mark.parametrize("step", [1, 3, 5, 12])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_slabs_give_what_the_whole_gives(axis: int, step: int) -> None:
    grid = _grid((12, 20, 28), (25, 47, 61))
    logits = _logits((12, 20, 28), 6)
    home = ArgmaxHome(grid, 6, axis)
    for start in range(0, logits.shape[1 + axis], step):
        some = [slice(None)] * 4
        some[1 + axis] = slice(start, start + step)
        lent = logits[tuple(some)].copy()
        home.take(start, lent)
        lent[...] = np.nan  # it is only lent
    assert np.array_equal(home.finish(), restore_argmax(logits, (25, 47, 61)))


def _grid(model: tuple[int, int, int], source: tuple[int, int, int]) -> GridMap:
    wanted = InputSpec(
        spatial_dims=3, channels=("CT",), intensity=Intensity(kind="none"), patch_vox=(8, 8, 8), resize_to=model
    )
    return map_grid(Geometry.from_spacing(source), wanted)


def _spec(**changes: Any) -> InputSpec:
    given: dict[str, Any] = {
        "spatial_dims": 3,
        "channels": ("CT",),
        "intensity": Intensity(kind="none"),
        "patch_vox": (8, 8, 8),
    }
    return InputSpec(**{**given, **changes})


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize(
    "changes",
    [
        {"axis_codes": "RIA", "spacing_mm": (1.1, 0.9, 3.0)},
        {"axis_codes": "LAS", "spacing_mm": (0.5, 1.0, 5.0)},
        {"axis_codes": "SPL", "spacing_mm": (0.9, 0.4, 0.2), "resampling": "linear"},
        {"axis_order": (2, 1, 0), "spacing_mm": (1.3, 1.7, 4.0), "resampling": "linear", "align": "centre"},
        {"axis_order": (1, 2, 0), "spacing_mm": (0.3, 1.7, 2.0), "resampling": "linear", "align": "centre"},
        {"spacing_mm": (3.0, 1.1, 1.2), "resampling": "cubic"},
    ],
)
def test_every_way_home_equals_the_plain_one(changes: dict[str, Any], axis: int) -> None:
    geometry = oblique_phantom().geometry
    box = ((2, 11), (3, 19), (5, 28))
    for crop in (None, box):
        grid = map_grid(geometry, _spec(**changes), crop)
        logits = _logits(grid.shape, 5, roughness=1.0)
        home = ArgmaxHome(grid, 5, axis)
        for start in range(0, grid.shape[axis], 2):
            home.take(start, logits.take(range(start, min(start + 2, grid.shape[axis])), axis=1 + axis))
        found, each = home.finish(), grid.restore(logits)
        _assert_largest(found[grid.cropped], each[(slice(None), *grid.cropped)])
        if crop is not None:
            found[grid.cropped] = 0
            assert not found.any()


def test_class_that_wins_only_between_voxels_is_found() -> None:
    # Half-way, 5 and 0 make 2.5 for the outer classes, and 4 stays 4 for the second best of both.
    logits = np.array([[5, 0], [4, 4], [0, 5]], dtype=np.float32)[:, None, None, :]
    assert restore_argmax(logits, (1, 1, 6))[0, 0].tolist() == [0, 0, 1, 1, 2, 2]


def test_first_of_equal_classes_wins() -> None:
    logits = np.zeros((4, 3, 4, 5), dtype=np.float32)
    assert (restore_argmax(logits, (7, 9, 11)) == 0).all()
    logits[1:, 1, 2, 3] = 1  # three classes are equal around one voxel, all four elsewhere
    assert set(np.unique(restore_argmax(logits, (7, 9, 11)))) == {0, 1}


@pytest.mark.parametrize("n_copies", [1, 2])
def test_first_of_classes_that_are_equal_half_way_wins(n_copies: int) -> None:
    rising = np.array([[-1, 1]] * n_copies, dtype=np.float32)
    logits = np.concatenate([-rising[:1], rising])[:, None, None, :]
    assert restore_argmax(logits, (1, 1, 5)).ravel().tolist() == [0, 0, 0, 1, 1]


def test_volume_of_one_class_is_filled() -> None:
    logits = np.zeros((3, 4, 5, 6), dtype=np.float32)
    logits[2] = 5
    assert (restore_argmax(logits, (8, 9, 30)) == 2).all()


def test_many_classes_have_room() -> None:
    logits = _logits((4, 5, 6), 300, roughness=0.4)
    found = restore_argmax(logits, (7, 9, 13))
    assert found.dtype == np.uint16
    _assert_largest(found, _interpolate(logits, (7, 9, 13)))


def test_half_precision_gives_ties_to_the_first_class() -> None:
    logits = np.zeros((2, 1, 1, 2), dtype=np.float32)
    logits[0], logits[1] = 4, (4 - 1e-3, 4 + 1e-3)  # float16 steps by 0.004 here
    grid = _grid((1, 1, 2), (1, 1, 8))
    found = {}
    for is_half in (False, True):
        home = ArgmaxHome(grid, 2, is_half=is_half)
        home.take(0, logits)
        found[is_half] = home.finish().ravel().tolist()
    assert found[False] == [0, 0, 0, 0, 1, 1, 1, 1]
    assert found[True] == [0, 0, 0, 0, 0, 0, 1, 1]  # the cell's corners disagree, but not so its inside


def test_slabs_out_of_order_and_missing_ones_are_refused() -> None:
    grid = _grid((6, 5, 4), (12, 10, 8))
    home = ArgmaxHome(grid, 2)
    home.take(0, np.zeros((2, 3, 5, 4), dtype=np.float32))
    with pytest.raises(GridError, match="begins at 4; the next one has to begin at 3"):
        home.take(4, np.zeros((2, 2, 5, 4), dtype=np.float32))
    with pytest.raises(GridError, match="does not lie on the model grid"):
        home.take(3, np.zeros((2, 3, 4, 4), dtype=np.float32))
    with pytest.raises(GridError, match="Only 3 of the 6 planes"):
        home.finish()
