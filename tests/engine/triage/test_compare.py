"""Cases are compared with each other, with the training, or with both; what is missing is left out."""

from __future__ import annotations

import numpy as np

from napari_medclf.engine.triage.compare import compare, root_mean_square
from napari_medclf.engine.triage.figures import Figures
from napari_medclf.engine.triage.training import figures_of


def _rows(n: int, seed: int = 0) -> list[dict[str, float]]:
    drawn = np.random.default_rng(seed).normal(0, 1, (n, 6))
    return [dict(zip([f"look:{letter}" for letter in "abcdef"], row, strict=True)) for row in drawn.tolist()]


def test_few_cases_have_no_spread_of_their_own() -> None:
    assert np.isnan(compare(_rows(4)).apart).all()
    assert np.isfinite(compare(_rows(4), figures_of(_rows(50))).apart).all()


def test_missing_numbers_are_left_out_and_unknown_training_changes_nothing() -> None:
    rows = _rows(20)
    del rows[3]["look:c"]
    compared = compare(rows)
    assert np.isnan(compared.apart[3, 2])
    assert not compared.has_all(["look:c"])
    assert np.isfinite(root_mean_square(compared.apart)).all()
    other = compare(rows, Figures(30, {"size:volume_ml:liver": 7.0}, {"size:volume_ml:liver": 1.0}))
    np.testing.assert_array_equal(other.apart, compared.apart)
