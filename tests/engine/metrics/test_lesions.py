"""Lesions are counted as a person would: one with one, touching corners are one."""

from __future__ import annotations

import numpy as np
import pytest

from napari_medclf.domain.errors import GridError
from napari_medclf.engine.metrics.bootstrap import bootstrap
from napari_medclf.engine.metrics.lesions import LesionCount, count_lesions, statistic_of_lesions


def _blank() -> np.ndarray:
    return np.zeros((4, 20, 30), dtype=bool)


def test_planted_lesions_are_found_missed_and_invented():
    reference, predicted = _blank(), _blank()
    reference[1, 2:6, 2:6] = predicted[1, 3:6, 2:6] = True  # found
    reference[1, 12:16, 2:6] = True  # missed
    predicted[2, 2:5, 20:25] = predicted[3, 15:18, 20:25] = True  # invented, twice
    found = count_lesions(reference, predicted)
    assert found == LesionCount(n_reference=2, n_predicted=3, n_found=1)
    assert (found.n_missed, found.n_false) == (1, 2)


def test_one_object_over_two_lesions_finds_one():
    reference, predicted = _blank(), _blank()
    reference[1, 2:8, 2:6] = reference[1, 2:8, 8:12] = True
    predicted[1, 2:8, 2:12] = True
    assert count_lesions(reference, predicted).n_found == 1


def test_as_many_pairs_as_can_be_are_made():
    reference, predicted = _blank(), _blank()
    reference[1, 0:10, 0:10] = reference[1, 0:10, 11:14] = True
    predicted[1, 0:10, 4:13] = True  # overlaps both
    predicted[1, 0:10, 0:3] = True  # overlaps the first only, and less of it
    assert count_lesions(reference, predicted).n_found == 2


def test_voxels_that_share_a_corner_are_one_and_slight_touches_are_no_find():
    reference = _blank()
    reference[1, 5, 5] = reference[2, 6, 6] = True
    assert count_lesions(reference, reference) == LesionCount(1, 1, 1)
    large, small = _blank(), _blank()
    large[1, 0:10, 0:10] = True
    small[1, 9, 9] = True
    assert count_lesions(large, small).n_found == 0


def test_numbers_of_objects_equal_those_of_scikit_image():
    from skimage.measure import label

    rng = np.random.default_rng(0)
    masks = [rng.random((5, 24, 31)) < 0.06 for _ in range(2)]
    found = count_lesions(*masks)
    assert (found.n_reference, found.n_predicted) == tuple(label(mask, connectivity=3).max() for mask in masks)


def test_sums_over_cases_not_means_of_cases():
    cases = [{"met": LesionCount(9, 10, 9)}, {"met": LesionCount(1, 0, 0)}, {"met": LesionCount(0, 2, 0)}]
    rates = statistic_of_lesions(cases)(np.arange(3))
    assert rates["lesion_sensitivity/met"] == pytest.approx(9 / 10)
    assert rates["lesion_precision/met"] == pytest.approx(9 / 12)
    assert rates["lesion_f1/met"] == pytest.approx(18 / 22)
    assert rates["false_lesions/met"] == pytest.approx(1.0)
    assert np.isnan(statistic_of_lesions(cases)(np.array([2]))["lesion_sensitivity"])
    interval = bootstrap(statistic_of_lesions(cases), ["p", "q", "r"], n_resamples=100)["lesion_sensitivity"].ci95
    assert interval is not None


def test_other_shape_is_refused():
    with pytest.raises(GridError, match=r"\(3, 3, 3\)"):
        count_lesions(_blank(), np.zeros((3, 3, 3), dtype=bool))
