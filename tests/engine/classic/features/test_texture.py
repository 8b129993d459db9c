"""Texture features against scikit-image, which counts them one image at a time."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import stats
from skimage.feature import graycomatrix, graycoprops, local_binary_pattern
from skimage.feature import hog as skimage_hog

from napari_medclf.engine.classic.features.first_order import FIRST_ORDER_NAMES, first_order, quantise
from napari_medclf.engine.classic.features.glcm import GLCM_NAMES, N_LEVELS, glcm, steps
from napari_medclf.engine.classic.features.hog import hog, hog_names
from napari_medclf.engine.classic.features.lbp import lbp, lbp_names


@pytest.fixture
def images() -> torch.Tensor:
    random = np.random.default_rng(3)
    return torch.from_numpy(random.gamma(2.0, 1.0, (3, 21, 30)))


def test_first_order_is_scipys(images: torch.Tensor) -> None:
    found = first_order(images)
    assert found.shape == (3, len(FIRST_ORDER_NAMES))
    for row, image in zip(found, images.numpy(), strict=True):
        by_name = dict(zip(FIRST_ORDER_NAMES, row.tolist(), strict=True))
        assert by_name["mean"] == pytest.approx(image.mean())
        assert by_name["skewness"] == pytest.approx(stats.skew(image, axis=None))
        assert by_name["kurtosis"] == pytest.approx(stats.kurtosis(image, axis=None, fisher=False))
        assert by_name["percentile 90"] == pytest.approx(np.percentile(image, 90))
        assert by_name["interquartile range"] == pytest.approx(stats.iqr(image))
        counts, _ = np.histogram(image, 16)
        assert by_name["entropy"] == pytest.approx(stats.entropy(counts, base=2), abs=1e-9)
        assert by_name["histogram 3"] == pytest.approx(counts[3] / image.size)


def test_constant_image_has_finite_features() -> None:
    flat = torch.full((2, 9, 12), 0.4, dtype=torch.float64)
    for found in (first_order(flat), glcm(flat), lbp(flat), hog(flat, 4)):
        assert torch.isfinite(found).all()


def test_glcm_is_scikit_images(images: torch.Tensor) -> None:
    found = glcm(images)
    assert found.shape == (3, len(GLCM_NAMES))
    levels = quantise(images.flatten(1), N_LEVELS).reshape(images.shape).numpy().astype(np.uint8)
    names = {"contrast": "contrast", "dissimilarity": "dissimilarity", "homogeneity": "homogeneity"}
    names |= {"angular second moment": "ASM", "entropy": "entropy", "correlation": "correlation"}
    for row, image in zip(found, levels, strict=True):
        matrix = graycomatrix(image, [1], [n * math.pi / 4 for n in range(4)], N_LEVELS, symmetric=True, normed=True)
        for ours, theirs in names.items():
            values = graycoprops(matrix, theirs)[0]
            mean, span = (row[GLCM_NAMES.index(f"GLCM {ours} {how}, distance 1")] for how in ("mean", "range"))
            assert float(mean) == pytest.approx(values.mean(), abs=1e-9)
            assert float(span) == pytest.approx(np.ptp(values), abs=1e-9)


def test_volumes_have_thirteen_directions() -> None:
    assert len(steps(3, 1)) == 13
    assert len(steps(2, 2)) == 4
    random = np.random.default_rng(0)
    slices = torch.from_numpy(random.normal(size=(1, 1, 14, 17)))
    # Of one slice, the four directions in the plane remain, and the nine others are empty.
    assert glcm(slices)[0, 0] == pytest.approx(float(glcm(slices[:, 0])[0, 0]) * 4 / 13)


@pytest.mark.filterwarnings("ignore:Applying `local_binary_pattern` to floating-point")
@pytest.mark.parametrize("radius", [1, 2])
def test_lbp_is_scikit_images(images: torch.Tensor, radius: int) -> None:
    found = lbp(images)
    assert found.shape == (3, len(lbp_names(2)))
    for row, image in zip(found, images.numpy(), strict=True):
        inner = local_binary_pattern(image, 8, radius, "uniform")[radius:-radius, radius:-radius]
        counts = np.bincount(inner.astype(int).ravel(), minlength=10) / inner.size
        np.testing.assert_allclose(row[(radius - 1) * 10 : radius * 10], counts, atol=1e-12)


def test_lbp_of_volume_sees_three_planes() -> None:
    volume = torch.zeros(1, 10, 12, 14, dtype=torch.float64)
    volume[:, ::2] = 1  # stripes along k only
    found = dict(zip(lbp_names(3), lbp(volume)[0].tolist(), strict=True))
    assert found["LBP 8 in plane ji, radius 1"] == 1  # each slice is flat
    assert found["LBP 8 in plane ki, radius 1"] < 0.6


def test_hog_is_scikit_images(images: torch.Tensor) -> None:
    found = hog(images, 4)
    assert found.shape == (3, len(hog_names(2, 4)))
    for row, image in zip(found, images.numpy(), strict=True):
        expected = skimage_hog(image, 9, (21 // 4, 30 // 4), (2, 2), "L2-Hys")
        np.testing.assert_allclose(row, expected, atol=1e-6)  # scikit-image counts in float32


def test_image_smaller_than_cells_has_empty_hog() -> None:
    assert (hog(torch.rand(2, 3, 12, dtype=torch.float64), 4) == 0).all()
