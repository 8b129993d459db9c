"""Labels at home equal those of resampling every class."""

from __future__ import annotations

import numpy as np
import pytest

from napari_medclf.engine.grid.resize import resize_samples
from napari_medclf.engine.restore.argmax import restore_argmax


def _logits(shape: tuple[int, int, int], n_classes: int, *, roughness: float = 2.0) -> np.ndarray:
    from scipy.ndimage import gaussian_filter

    noise = np.random.default_rng(8).normal(size=(n_classes, *shape))
    return (60 * gaussian_filter(noise, (0, *[roughness] * 3))).astype(np.float32)


@pytest.mark.parametrize(
    "shape", [(12, 20, 28), (24, 40, 56), (13, 33, 30), (6, 10, 9), (5, 45, 28), (12, 7, 90), (1, 40, 40)]
)
@pytest.mark.parametrize("n_classes", [2, 7])
def test_equals_resampling_every_class(shape: tuple[int, int, int], n_classes: int) -> None:
    logits = _logits((12, 20, 28), n_classes)
    before = logits.copy()
    probabilities = np.exp(logits - logits.max(axis=0))
    probabilities /= probabilities.sum(axis=0)
    each = resize_samples(probabilities, shape)
    found = restore_argmax(logits, shape)
    assert found.dtype == np.uint8
    assert len(np.unique(found)) == n_classes
    differs = found != each.argmax(axis=0)
    top = np.sort(each, axis=0)
    assert not differs[top[-1] - top[-2] > 1e-5].any()
    assert differs.mean() < 1e-4
    assert np.array_equal(logits, before)


def test_class_that_wins_only_between_voxels_is_found() -> None:
    # Half-way, 0.5 and 0.05 make 0.275 for the outer classes, and 0.45 stays 0.45 for the second best of both.
    probabilities = np.array([[0.5, 0.05], [0.45, 0.45], [0.05, 0.5]], dtype=np.float32)
    found = restore_argmax(np.log(probabilities)[:, None, None, :], (1, 1, 6))
    assert found[0, 0].tolist() == [0, 0, 1, 1, 2, 2]


def test_picture_of_one_class_needs_no_probabilities() -> None:
    logits = np.zeros((3, 4, 5, 6), dtype=np.float32)
    logits[2] = 5
    assert (restore_argmax(logits, (8, 9, 30)) == 2).all()


def test_many_classes_have_room() -> None:
    logits = np.zeros((300, 1, 1, 2), dtype=np.float32)
    logits[299, ..., 1] = 9
    assert restore_argmax(logits, (1, 1, 4)).ravel().tolist()[-1] == 299
