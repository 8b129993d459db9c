from __future__ import annotations

import numpy as np
from scipy.interpolate import BSpline

from napari_medclf.engine.preprocess.splines import SplineField, approximate, basis


def test_basis_is_scipys_uniform_cubic_splines():
    n, pieces = 23, 4
    position = (np.arange(n) + 0.5) / n * pieces
    for number in range(pieces + 3):
        expected = BSpline.basis_element(np.arange(number - 3, number + 2), extrapolate=False)(position)
        np.testing.assert_allclose(basis(n, pieces)[:, number], np.nan_to_num(expected), atol=1e-12)
    np.testing.assert_allclose(basis(n, pieces).sum(1), 1)


def test_field_is_the_sum_of_products_of_the_basis():
    lattice = np.random.default_rng(0).normal(size=(4, 6, 5))
    expected = np.einsum("ka,jb,ic,abc->kji", basis(5, 1), basis(9, 3), basis(8, 2), lattice)
    np.testing.assert_allclose(SplineField(lattice).on_grid((5, 9, 8)), expected, rtol=1e-5)


def test_approximation_sums_over_all_voxels_as_lee_1997_writes_it():
    random = np.random.default_rng(1)
    values, weight = random.normal(size=(7, 9)), (random.random((7, 9)) > 0.3).astype(float)
    rows, columns = basis(7, 2), basis(9, 3)
    above, below = np.zeros((5, 6)), np.zeros((5, 6))
    for j in range(7):
        for i in range(9):
            w = np.outer(rows[j], columns[i])
            phi = w * values[j, i] / (w**2).sum()
            above += weight[j, i] * w**2 * phi
            below += weight[j, i] * w**2
    field = approximate(values, weight, (2, 3))
    np.testing.assert_allclose(field.lattice, above / np.maximum(below, 1e-12), atol=1e-9)
