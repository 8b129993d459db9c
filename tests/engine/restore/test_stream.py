"""Parts of the way home that all sinks share."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_medclf.domain.errors import GridError
from napari_medclf.engine.grid.home_axis import HomeAxis
from napari_medclf.engine.grid.taps import tap_area, tap_linear
from napari_medclf.engine.restore.dense import Dense, first_largest
from napari_medclf.engine.restore.mixing import PlaneMixer
from napari_medclf.engine.restore.rank import rank
from napari_medclf.engine.restore.whole import WholeLogits


def _positions(n_old: int, n_new: int) -> np.ndarray:
    return (np.arange(n_new) + 0.5) * n_old / n_new - 0.5


@pytest.mark.parametrize(("n_old", "n_new"), [(5, 12), (4, 9), (1, 6), (7, 8)])
def test_every_new_sample_lies_in_one_cell(n_old: int, n_new: int) -> None:
    axis = HomeAxis.linear(_positions(n_old, n_new), n_old)
    listed = [list(range(s, s + c)) for s, c in zip(axis.start, axis.count, strict=True)]
    assert sum(listed, []) == list(range(n_new))  # noqa: RUF017 - a few numbers
    assert [cell for cell, some in enumerate(listed) for _ in some] == axis.cell.tolist()
    backwards = axis.reversed()
    assert backwards.cell.tolist() == axis.cell[::-1].tolist()
    places = zip(backwards.start, backwards.count, strict=True)
    assert all(set(backwards.cell[start : start + n]) <= {cell} for cell, (start, n) in enumerate(places))


def test_axis_that_stays_is_not_between() -> None:
    assert not HomeAxis.linear(np.arange(5.0), 5).is_between
    assert HomeAxis.linear(np.arange(5) + 0.25, 5).is_between


@pytest.mark.parametrize("n_classes", [1, 2, 3, 9, 300])
def test_ranks_equal_a_sort(n_classes: int) -> None:
    logits = np.random.default_rng(1).integers(-20, 20, size=(n_classes, 3, 5, 7)).astype(np.float32)  # with ties
    ranking = rank(logits)
    ordered = np.sort(logits, axis=0)[::-1]
    assert np.array_equal(ranking.best, logits.argmax(axis=0))
    for place, found in ((1, ranking.second), (2, ranking.third)):
        assert np.array_equal(found, ordered[place] if n_classes > place else np.full(found.shape, -np.inf))


def test_dense_rows_equal_trilinear_interpolation() -> None:
    logits = np.random.default_rng(2).normal(size=(6, 4, 9, 11)).astype(np.float32)
    shape = (9, 41, 150)
    axes = tuple(HomeAxis.linear(_positions(old, new), old) for old, new in zip(logits.shape[1:], shape, strict=True))
    expected = torch.nn.functional.interpolate(torch.from_numpy(logits)[None].double(), shape, mode="trilinear")[0]
    seen = np.zeros(shape)
    for plane, rows, values in Dense(axes, 6).iter_rows(logits[:, 1:3], 2, 1):
        np.testing.assert_allclose(values, expected[:, plane, rows], atol=1e-5)
        assert np.array_equal(first_largest(values), values.argmax(axis=0))
        seen[plane, rows] += 1
    assert np.array_equal(seen.any(axis=(1, 2)), axes[0].cell == 2)
    assert set(np.unique(seen)) == {0, 1}


@pytest.mark.parametrize("n_slab", [1, 2, 5, 13])
@pytest.mark.parametrize("n_new", [4, 9, 13])
def test_planes_are_mixed_whatever_the_slabs(n_slab: int, n_new: int) -> None:
    planes = np.random.default_rng(3).normal(size=(2, 13, 3, 4)).astype(np.float32)
    for taps in (tap_area(_positions(13, n_new), 13 / n_new, 13), tap_linear(_positions(13, n_new), 13)):
        mixer = PlaneMixer(taps)
        parts = [mixer.mix(planes[:, start : start + n_slab]) for start in range(0, 13, n_slab)]
        each = taps.first[:, None] + np.arange(taps.n_taps)
        expected = (planes[:, each] * taps.weight[..., None, None]).sum(axis=2)
        np.testing.assert_allclose(np.concatenate(parts, axis=1), expected, atol=1e-6)


def test_whole_logits_wait_for_every_slab() -> None:
    logits = np.random.default_rng(4).normal(size=(2, 3, 4, 5)).astype(np.float32)
    whole = WholeLogits((3, 4, 5), axis=2)
    whole.take(0, logits[..., :2])
    with pytest.raises(GridError, match="has to begin at 2"):
        whole.take(3, logits[..., 3:])
    with pytest.raises(GridError, match="Only 2 of 5 planes"):
        whole.finish()
    whole.take(2, logits[..., 2:])
    assert np.array_equal(whole.finish(), logits)
