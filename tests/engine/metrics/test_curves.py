"""Curves equal scikit-learn's, and their bands hold the true curve as often as they say."""

from __future__ import annotations

from math import erf

import numpy as np
import pytest

from napari_medclf.engine.metrics.curves import (
    Curve,
    precision_recall_band,
    precision_recall_curve,
    roc_band,
    roc_curve,
    thin,
)


def _cases(n: int, seed: int = 0, gain: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = rng.random(n) < 0.4
    return truth, (rng.normal(size=n) + gain * truth).round(1)  # ties


def test_roc_equals_scikit_learn():
    from sklearn import metrics

    truth, scores = _cases(200)
    found = roc_curve(truth, scores)
    x, y, thresholds = metrics.roc_curve(truth, scores, drop_intermediate=False)
    for ours, theirs in ((found.x, x), (found.y, y), (found.thresholds, thresholds)):
        np.testing.assert_allclose(ours, theirs, atol=1e-9)


def test_precision_and_recall_equal_scikit_learn():
    from sklearn import metrics

    truth, scores = _cases(200, seed=3)
    found = precision_recall_curve(truth, scores)
    precision, recall, thresholds = metrics.precision_recall_curve(truth, scores)
    np.testing.assert_allclose(found.y[::-1], precision[:-1], atol=1e-9)
    np.testing.assert_allclose(found.x[::-1], recall[:-1], atol=1e-9)
    np.testing.assert_allclose(found.thresholds[::-1], thresholds, atol=1e-9)


def test_curve_of_an_empty_class_is_undefined_and_does_not_raise():
    nobody = np.zeros(5, dtype=bool)
    assert np.isnan(roc_curve(nobody, np.arange(5.0)).y).all()
    assert np.isnan(precision_recall_curve(nobody, np.arange(5.0)).x).all()
    assert np.isnan(roc_band(nobody, np.arange(5.0), list("abcde"), n_resamples=20).low).all()


def test_band_holds_the_curve_and_is_wider_for_fewer_patients():
    truth, scores = _cases(240, seed=1)
    by_case, by_patient = [str(n) for n in range(240)], [str(n // 12) for n in range(240)]
    for band_of, curve_of in ((roc_band, roc_curve), (precision_recall_band, precision_recall_curve)):
        narrow = band_of(truth, scores, by_case, n_resamples=200)
        curve = curve_of(truth, scores)
        middle = slice(10, 40)
        on_grid = np.interp(narrow.x, curve.x, curve.y)[middle]
        assert (narrow.low[middle] <= on_grid + 0.02).all()
        assert (on_grid - 0.02 <= narrow.high[middle]).all()
        assert (narrow.high - narrow.low)[middle].mean() > 0.03
    shared = np.repeat(scores[::12], 12)  # twelve images of a patient say the same
    few = roc_band(np.repeat(truth[::12], 12), shared, by_patient, n_resamples=200)
    many = roc_band(np.repeat(truth[::12], 12), shared, by_case, n_resamples=200)
    assert (few.high - few.low)[10:40].mean() > 2 * (many.high - many.low)[10:40].mean()


def test_band_covers_the_true_curve_at_a_point_as_often_as_it_says():
    rate = 0.2
    threshold = 0.8416212335729143  # of the normal distribution, exceeded by 20 %
    true_sensitivity = 0.5 * (1 - erf((threshold - 1) / 2**0.5))
    n_covered = 0
    for seed in range(150):
        rng = np.random.default_rng(seed)
        truth = np.arange(120) < 60
        band = roc_band(truth, rng.normal(size=120) + truth, [str(n) for n in range(120)], n_resamples=150, seed=seed)
        at = int(np.argmin(np.abs(band.x - rate)))
        n_covered += bool(band.low[at] <= true_sensitivity <= band.high[at])
    assert 0.90 <= n_covered / 150 <= 0.99


def test_long_curve_keeps_its_corners_and_its_ends():
    steps = np.arange(5000)
    stairs = Curve(np.floor(steps / 1000) / 5, steps / 5000, -steps)  # rises, and jumps four times
    short = thin(stairs, 50)
    assert len(short.x) == 10
    assert (short.x[0], short.y[-1]) == (0, 4999 / 5000)
    noise = np.random.default_rng(0).random(5000).cumsum()
    assert len(thin(Curve(noise, noise[::-1], noise), 50).x) == 50


@pytest.mark.parametrize("seed", range(3))
def test_draw_by_weights_is_the_draw_itself(seed):
    truth, scores = _cases(60, seed=seed)
    band = roc_band(truth, scores, [str(n) for n in range(60)], n_resamples=1, seed=seed)
    from napari_medclf.engine.metrics.bootstrap import draws

    chosen = next(draws([str(n) for n in range(60)], n_resamples=1, seed=seed))
    drawn = roc_curve(truth[chosen], scores[chosen])
    inside = ~np.isin(band.x, drawn.x)  # at a jump of the curve both ends are right
    np.testing.assert_allclose(band.low[inside], np.interp(band.x, drawn.x, drawn.y)[inside], atol=1e-9)
