from __future__ import annotations

import numpy as np
import pytest

from napari_medclf.domain.preprocess_step import PreprocessStep
from napari_medclf.engine.preprocess.bias_field import bias_field
from napari_medclf.engine.preprocess.voxels import Voxels

STEP = PreprocessStep.parse("bias-field")
SHAPE = (20, 40, 34)


def head(*, has_air: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Tissues, the logarithm of a planted field, and what a scanner would make of both."""
    k, j, i = np.meshgrid(*(np.linspace(-1, 1, n) for n in SHAPE), indexing="ij")
    distance = np.sqrt(k**2 + j**2 + i**2)
    tissue = np.where(distance < 0.95, 0.5, 0.0 if has_air else 0.5)
    tissue[distance < 0.75], tissue[distance < 0.45] = 0.8, 1.0
    tissue[(abs(j) < 0.15) & (distance < 0.7)] = 0.3
    field = 0.4 * (0.8 * i + 0.5 * j * k - 0.6 * k**2 + 0.3 * np.sin(2 * j))
    noise = np.random.default_rng(0).normal(0, 4, SHAPE)
    return tissue, field, np.maximum(tissue * np.exp(field) * 200 + noise, 0).astype(np.float32)


def distance_to_field(estimated: np.ndarray, field: np.ndarray, where: np.ndarray) -> float:
    """Standard deviation of the difference of logarithms: a factor for all is no error."""
    return float((estimated - field)[where].std())


@pytest.mark.parametrize("has_air", [True, False])
def test_planted_field_is_found(has_air):
    tissue, field, image = head(has_air=has_air)
    even = bias_field(Voxels(image[np.newaxis], (1.0, 1.0, 1.0), False), STEP)[0]
    body = tissue > 0
    estimated = np.log(np.maximum(image, 1e-3)) - np.log(np.maximum(even, 1e-3))
    assert distance_to_field(estimated, field, body) < 0.15 * field[body].std()
    assert abs(even[body].mean() / image[body].mean() - 1) < 0.1


def test_field_is_as_near_to_the_truth_as_simpleitks_n4():
    sitk = pytest.importorskip("SimpleITK", reason="the reference is SimpleITK's N4")
    tissue, field, image = head(has_air=True)
    even = bias_field(Voxels(image[np.newaxis], (1.0, 1.0, 1.0), False), STEP)[0]
    ours = np.log(np.maximum(image, 1e-3)) - np.log(np.maximum(even, 1e-3))
    stored = sitk.GetImageFromArray(image)
    n4 = sitk.N4BiasFieldCorrectionImageFilter()
    n4.SetMaximumNumberOfIterations([20, 20, 20])
    n4.Execute(stored, sitk.OtsuThreshold(stored, 0, 1, 200))
    theirs = sitk.GetArrayFromImage(n4.GetLogBiasFieldAsImage(stored))
    body = tissue > 0
    assert distance_to_field(ours, field, body) < 1.5 * distance_to_field(theirs, field, body)


def test_even_image_gains_no_field_worth_the_name():
    tissue, _, _ = head(has_air=True)
    image = (tissue * 200 + np.random.default_rng(1).normal(0, 4, SHAPE)).astype(np.float32)
    even = bias_field(Voxels(image[np.newaxis], (1.0, 1.0, 1.0), False), STEP)[0]
    body = tissue > 0
    assert np.abs(np.log(even[body] / image[body])).std() < 0.03


@pytest.mark.parametrize("value", [0.0, 50.0])
def test_image_of_one_value_stays_as_it_is(value):
    flat = np.full((1, 1, 16, 16), value, np.float32)
    np.testing.assert_array_equal(bias_field(Voxels(flat, (1.0,) * 3, True), STEP), flat)
