"""Thresholds decide on the image's own grid, about interpolated logits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.special import expit, softmax

from napari_medclf.domain.input_spec import InputSpec, Intensity
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.output_spec import OutputSpec
from napari_medclf.engine.grid.grid_map import GridMap
from napari_medclf.engine.grid.plan import map_grid
from napari_medclf.engine.restore.thresholds import ThresholdHome
from napari_medclf.testing.phantoms import oblique_phantom

_NAMES = ("liver", "spleen", "tumour")


def _grid() -> GridMap:
    spec = InputSpec(
        spatial_dims=3,
        channels=("CT",),
        intensity=Intensity(kind="none"),
        patch_vox=(8, 8, 8),
        axis_codes="RIA",
        spacing_mm=(1.1, 0.9, 3.0),
    )
    return map_grid(oblique_phantom().geometry, spec)


def _output(**changes: Any) -> OutputSpec:
    return OutputSpec(schema=LabelSchema.from_names(list(_NAMES), first_value=1), **changes)


def _logits(grid: GridMap, n_classes: int) -> np.ndarray:
    return np.random.default_rng(6).normal(0, 3, size=(n_classes, *grid.shape)).astype(np.float32)


def _restore(grid: GridMap, output: OutputSpec, logits: np.ndarray, axis: int, **changes: Any) -> np.ndarray:
    home = ThresholdHome(grid, output, len(logits), axis, **changes)
    for start in range(0, grid.shape[axis], 3):
        home.take(start, logits.take(range(start, min(start + 3, grid.shape[axis])), axis=1 + axis))
    return home.finish()


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("has_background", [True, False])
def test_best_independent_class_that_reaches_its_threshold(axis: int, has_background: bool) -> None:
    grid = _grid()
    output = _output(activation="sigmoid", has_background_channel=has_background, thresholds={"spleen": 0.9})
    logits = _logits(grid, 3 + has_background)
    probabilities = expit(grid.restore(logits)[int(has_background) :])
    probabilities[1][probabilities[1] < 0.9] = 0
    expected = np.where(probabilities.max(axis=0) >= 0.5, 1 + probabilities.argmax(axis=0), 0)
    found = _restore(grid, output, logits, axis)
    assert found.dtype == np.uint8
    assert set(np.unique(found)) == {0, 1, 2, 3}
    assert np.mean(found != expected) < 1e-4


def test_regions_are_painted_one_over_the_other() -> None:
    grid = _grid()
    output = _output(activation="sigmoid", has_background_channel=False, priority=_NAMES)
    logits = _logits(grid, 3)
    expected = np.zeros(grid.source.shape, dtype=np.uint8)
    for value, region in enumerate(grid.restore(logits), start=1):
        expected[region > 0] = value
    assert np.mean(_restore(grid, output, logits, 0) != expected) < 1e-4


@pytest.mark.parametrize("is_activated", [False, True])
def test_exclusive_classes_with_thresholds(is_activated: bool) -> None:
    grid = _grid()
    output = _output(thresholds={"tumour": 0.2}, temperature=1.5, is_activated=is_activated)
    logits = _logits(grid, 4)
    given = softmax(logits / 1.5, axis=0).astype(np.float32) if is_activated else logits
    at_home = grid.restore(given) if is_activated else softmax(grid.restore(logits) / 1.5, axis=0)
    reached = np.where(at_home[1:] >= np.array([0.5, 0.5, 0.2]).reshape(3, 1, 1, 1), at_home[1:], 0)
    expected = np.where(reached.max(axis=0) > 0, 1 + reached.argmax(axis=0), 0)
    assert np.mean(_restore(grid, output, given, 0) != expected) < 1e-4


def test_half_precision_rounds_before_the_threshold() -> None:
    grid = _grid()
    output = _output(activation="sigmoid", has_background_channel=False, priority=_NAMES)
    logits = np.full((3, *grid.shape), 1e-9, dtype=np.float32)
    assert (_restore(grid, output, logits, 0) == 3).all()
    assert not _restore(grid, output, logits, 0, is_half=True).any()


def test_class_that_reaches_its_threshold_nowhere_leaves_background() -> None:
    grid = _grid()
    output = _output(activation="sigmoid")
    assert not _restore(grid, output, np.full((4, *grid.shape), -1, dtype=np.float32), 0).any()
