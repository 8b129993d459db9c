"""Entropy says where a network is unsure, from 0 to 1, on the image's own grid."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import entropy

from napari_medclf.domain.geometry import Geometry
from napari_medclf.domain.input_spec import InputSpec, Intensity
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.output_spec import OutputSpec
from napari_medclf.engine.grid.plan import map_grid
from napari_medclf.engine.restore.entropy import EntropyHome, normalised_entropy

_OUTPUT = OutputSpec(schema=LabelSchema.from_names(["liver", "spleen"], first_value=1))
_SPEC = InputSpec(
    spatial_dims=3, channels=("CT",), intensity=Intensity(kind="none"), patch_vox=(8, 8, 8), resize_to=(6, 7, 8)
)


def test_normalised_entropy_equals_scipy() -> None:
    probabilities = np.random.default_rng(0).dirichlet(np.ones(3), size=(4, 5)).transpose(2, 0, 1).astype(np.float32)
    expected = entropy(probabilities, axis=0) / np.log(3)
    np.testing.assert_allclose(normalised_entropy(probabilities, _OUTPUT), expected, atol=1e-6)
    independent = _OUTPUT.model_copy(update={"activation": "sigmoid"})
    bits = [entropy([p, 1 - p], base=2, axis=0) for p in probabilities.astype(np.float64)]
    np.testing.assert_allclose(normalised_entropy(probabilities, independent), np.mean(bits, axis=0), atol=1e-6)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_sure_is_zero_and_torn_is_one(axis: int) -> None:
    grid = map_grid(Geometry.from_spacing((12, 20, 28)), _SPEC)
    logits = np.zeros((3, *grid.shape), dtype=np.float32)
    logits[1, :3] = 200
    before = logits.copy()
    home = EntropyHome(grid, _OUTPUT, axis)
    for start in range(grid.shape[axis]):
        home.take(start, logits.take([start], axis=1 + axis))
    values = home.finish()
    assert np.array_equal(logits, before)
    assert (values.dtype, values.shape) == (np.float32, (12, 20, 28))
    assert values[:4].max() == 0
    assert values[8:].min() == pytest.approx(1)
    assert np.ptp(values, axis=(1, 2)).max() < 1e-6
    assert np.all(np.diff(values[:, 3, 4]) >= -1e-6)
