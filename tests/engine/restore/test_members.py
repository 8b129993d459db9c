"""The mean of networks, as one slab after the other comes in."""

from __future__ import annotations

import numpy as np
import pytest

from napari_medclf.engine.restore.members import MeanOfMembers


class _Kept:
    def __init__(self) -> None:
        self.slabs: list[tuple[int, np.ndarray]] = []

    def take(self, start: int, logits: np.ndarray) -> None:
        self.slabs.append((start, logits))


def _slab() -> np.ndarray:
    return np.random.default_rng(3).normal(size=(6, 2, 3, 5)).astype(np.float32)


def test_mean_of_three_members_is_handed_on() -> None:
    kept, slab = _Kept(), _slab()
    before = slab.copy()
    MeanOfMembers(kept, 3).take(4, slab)
    ((start, mean),) = kept.slabs
    assert start == 4
    np.testing.assert_allclose(mean, before.reshape(3, 2, 2, 3, 5).mean(axis=0), atol=1e-6)
    np.testing.assert_array_equal(slab, before)  # the slab is only lent


def test_half_precision_rounds_after_every_step_as_nnunet_does() -> None:
    kept, slab = _Kept(), _slab()
    MeanOfMembers(kept, 2, is_half=True).take(0, slab)
    half = slab.astype(np.float16)
    expected = ((half[:3] + half[3:]) / np.float16(2)).astype(np.float32)
    np.testing.assert_array_equal(kept.slabs[0][1], expected)
    assert np.abs(expected - slab.reshape(2, 3, 2, 3, 5).mean(axis=0)).max() > 1e-5


@pytest.mark.parametrize("is_half", [False, True])
def test_one_member_is_its_own_mean(is_half: bool) -> None:
    kept = _Kept()
    slab = _slab().astype(np.float16).astype(np.float32)
    MeanOfMembers(kept, 1, is_half=is_half).take(0, slab)
    np.testing.assert_array_equal(kept.slabs[0][1], slab)
