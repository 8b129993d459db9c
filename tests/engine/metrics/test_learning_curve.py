"""The law that was planted is found, and two points are none."""

from __future__ import annotations

import numpy as np
import pytest

from napari_medclf.domain.errors import DatasetError
from napari_medclf.engine.metrics.learning_curve import fit_power_law


def test_planted_law_is_found():
    sizes = [20, 40, 80, 160, 320]
    law = fit_power_law(sizes, [0.08 + 0.9 * n**-0.5 for n in sizes])
    assert (law.floor, law.scale, law.exponent) == pytest.approx((0.08, 0.9, 0.5), abs=1e-6)
    assert law.at(640) == pytest.approx(0.08 + 0.9 * 640**-0.5, abs=1e-6)


def test_law_is_no_worse_than_the_one_scipy_finds():
    from scipy.optimize import curve_fit

    rng = np.random.default_rng(0)
    sizes = np.array([10.0, 20, 40, 80, 160, 320])
    errors = 0.1 + 1.2 * sizes**-0.6 + rng.normal(0, 0.01, 6)
    law = fit_power_law(sizes, errors)
    theirs, _ = curve_fit(lambda n, a, b, c: a + b * n**-c, sizes, errors, p0=(0.1, 1, 0.5), bounds=(0, [1, 9, 2]))
    ours = sum((law.at(n) - error) ** 2 for n, error in zip(sizes, errors, strict=True))
    best = float(((theirs[0] + theirs[1] * sizes ** -theirs[2] - errors) ** 2).sum())
    assert ours <= best * 1.01


def test_error_that_grows_with_more_patients_is_called_flat():
    law = fit_power_law([10, 20, 40], [0.2, 0.22, 0.24])
    assert law.at(1000) == pytest.approx(0.22, abs=1e-6)


def test_two_sizes_are_refused():
    with pytest.raises(DatasetError, match="2 different sizes"):
        fit_power_law([10, 20, 20], [0.2, 0.1, 0.1])
