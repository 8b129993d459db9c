from __future__ import annotations

import numpy as np
import pytest
from skimage.exposure import equalize_adapthist

from napari_medclf.domain.preprocess_step import PreprocessStep
from napari_medclf.engine.preprocess import contrast
from napari_medclf.engine.preprocess.voxels import Voxels


def dark(*shape: int) -> np.ndarray:
    return (np.random.default_rng(0).random(shape) ** 4 * 900 - 100).astype(np.float32)


def run(change, data: np.ndarray, text: str, *, is_colour: bool = False, is_slicewise: bool = True) -> np.ndarray:
    voxels = Voxels(data, (1.0, 1.0, 1.0), is_slicewise, is_colour=is_colour)
    return change(voxels, PreprocessStep.parse(text))


@pytest.mark.parametrize(
    ("change", "text"), [(contrast.clahe, "clahe"), (contrast.equalise, "equalise"), (contrast.invert, "invert")]
)
@pytest.mark.parametrize("is_slicewise", [True, False])
def test_range_of_the_samples_stays(change, text, is_slicewise):
    data = dark(1, 4, 32, 40)
    changed = run(change, data, text, is_slicewise=is_slicewise)
    assert changed.dtype == np.float32
    assert changed.min() >= data.min() - 1e-3
    assert changed.max() <= data.max() + 1e-3
    assert abs(np.median(changed) - np.median(data)) > 20


def test_clahe_is_scikit_images():
    data = dark(1, 1, 32, 40)
    unit = (data - data.min()) / np.ptp(data)
    expected = equalize_adapthist(unit[0, 0], kernel_size=(8, 10), clip_limit=0.02) * np.ptp(data) + data.min()
    np.testing.assert_allclose(run(contrast.clahe, data, "clahe:tiles=4:clip=0.02")[0, 0], expected, atol=0.1)


def test_equalised_brightness_is_spread_evenly():
    changed = run(contrast.equalise, dark(1, 1, 80, 90), "equalise")
    counts, _ = np.histogram(changed, bins=10)
    assert counts.min() > 0.8 * counts.mean()


def test_inverting_twice_gives_the_image_back():
    data = dark(1, 1, 12, 20)
    np.testing.assert_allclose(run(contrast.invert, run(contrast.invert, data, "invert"), "invert"), data, atol=1e-3)


def test_colours_keep_their_hue():
    data = dark(3, 1, 32, 40) + 150
    changed = run(contrast.equalise, data, "equalise", is_colour=True)
    is_within = (changed > data.min() + 1).all(0) & (changed < data.max() - 1).all(0)
    hue, before = (one[0] / one.sum(0) for one in (changed, data))
    np.testing.assert_allclose(hue[is_within], before[is_within], rtol=1e-3)


@pytest.mark.parametrize(
    ("text", "low", "high"), [("window:low=0:high=500", 0, 1), ("percentile", 0, 1), ("zscore", -2, 6)]
)
def test_scaling_is_that_of_the_cards_intensity(text, low, high):
    data = dark(2, 1, 32, 40)
    changed = run(contrast.scale, data, text)
    assert low <= changed.min() < changed.max() <= high
    if text == "zscore":
        np.testing.assert_allclose(changed.mean((1, 2, 3)), 0, atol=1e-4)
    else:
        np.testing.assert_allclose([changed.min(), changed.max()], [0, 1], atol=1e-6)
