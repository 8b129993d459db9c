from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, median_filter

from napari_medclf.domain.preprocess_step import PreprocessStep
from napari_medclf.engine.preprocess import denoise
from napari_medclf.engine.preprocess.voxels import Voxels


def truth(*shape: int) -> np.ndarray:
    image = np.zeros(shape, np.float32)
    image[..., 3:-5, 4:-3] = 100.0
    image[..., 6:9, 9:14] = 250.0
    return image


def noisy(*shape: int, sd: float = 12.0) -> np.ndarray:
    return truth(*shape) + np.random.default_rng(3).normal(0, sd, shape).astype(np.float32)


def run(change, data: np.ndarray, text: str, *, is_slicewise: bool, spacing=(1.0, 1.0, 1.0)) -> np.ndarray:
    return change(Voxels(data[np.newaxis], spacing, is_slicewise), PreprocessStep.parse(text))[0]


@pytest.mark.parametrize("is_slicewise", [True, False])
@pytest.mark.parametrize(
    ("change", "text"),
    [
        (denoise.median, "median"),
        (denoise.gaussian, "gaussian:sd_vox=0.7"),
        (denoise.non_local_means, "non-local-means"),
        (denoise.total_variation, "total-variation"),
    ],
)
def test_result_is_nearer_to_the_truth(change, text, is_slicewise):
    data = noisy(6, 40, 48, sd=30.0)
    before = data.copy()
    cleaned = run(change, data, text, is_slicewise=is_slicewise)
    assert cleaned.dtype == np.float32
    assert np.sqrt(np.mean((cleaned - truth(6, 40, 48)) ** 2)) < 0.8 * 30
    np.testing.assert_array_equal(data, before)


def test_median_and_gaussian_are_scipys_with_the_reach_of_each_axis():
    data = noisy(6, 20, 28)
    median = run(denoise.median, data, "median:radius_vox=2", is_slicewise=False, spacing=(5.0, 1.0, 1.0))
    np.testing.assert_array_equal(median, median_filter(data, size=(1, 5, 5), mode="nearest"))
    gaussian = run(denoise.gaussian, data, "gaussian:sd_vox=2", is_slicewise=False, spacing=(4.0, 1.0, 2.0))
    np.testing.assert_allclose(gaussian, gaussian_filter(data, (0.5, 2.0, 1.0), mode="nearest"), rtol=1e-5)


@pytest.mark.parametrize("sd", [3.0, 25.0])
def test_noise_is_estimated_beside_edges_and_beside_a_masked_background(sd):
    data = noisy(4, 60, 70, sd=sd)
    data[:, :, :20] = 0.0
    assert abs(denoise.noise_sd(data) / sd - 1) < 0.1


@pytest.mark.parametrize("change", [denoise.non_local_means, denoise.total_variation])
def test_image_without_noise_stays_as_it_is(change):
    flat = np.full((3, 12, 12), 7.0, np.float32)
    name = "non-local-means" if change is denoise.non_local_means else "total-variation"
    np.testing.assert_array_equal(run(change, flat, name, is_slicewise=True), flat)
