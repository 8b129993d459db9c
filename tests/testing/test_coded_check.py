from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from napari_medclf.testing.coded_check import View, judge
from napari_medclf.testing.coded_series import COLUMNS, ROWS, all_coded_series

SERIES = {one.name: one for one in all_coded_series()}
OBLIQUE = SERIES["oblique"]


def right_view(series=OBLIQUE, planes=slice(None)) -> View:
    shown = series.planes[planes]
    codes = np.arange(series.n_voxels).reshape(-1, ROWS, COLUMNS)[planes]
    first, second = shown[0], shown[1]
    affine = np.eye(4)
    affine[:3, 0] = np.subtract(second.corner, first.corner)
    affine[:3, 1] = np.multiply(first.column, first.row_mm)
    affine[:3, 2] = np.multiply(first.row, first.column_mm)
    affine[:3, 3] = first.corner
    return View(codes, affine)


def test_a_right_view_has_nothing_to_complain_of():
    verdict = judge(OBLIQUE, [right_view()], [])
    assert verdict.complaint == ""
    assert verdict.worst_mm < 1e-9


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_flipped_axis_is_caught(axis):
    view = right_view()
    verdict = judge(OBLIQUE, [replace(view, samples=np.flip(view.samples, axis))], [])
    assert "wrong by" in verdict.complaint


def test_half_a_voxel_is_caught():
    view = right_view()
    affine = view.affine.copy()
    affine[:3, 3] += affine[:3, 2] / 2
    assert judge(OBLIQUE, [replace(view, affine=affine)], []).worst_mm == pytest.approx(0.3)


def test_a_dropped_slice_is_caught():
    assert "loses 35 of 315" in judge(OBLIQUE, [right_view(planes=slice(0, 8))], []).complaint


def test_a_part_that_is_refused_in_words_is_not_lost():
    assert judge(OBLIQUE, [right_view(planes=slice(0, 8))], ["slice 9 is 4 mm off."]).complaint == ""


def test_other_samples_are_caught():
    view = right_view()
    assert "no codes" in judge(OBLIQUE, [replace(view, samples=view.samples + 7)], []).complaint


def test_a_tilt_without_a_word_is_caught():
    series = SERIES["tilt"]
    view = right_view(series)
    assert judge(series, [view], []).complaint == "no warning says what is odd"
    assert judge(series, [replace(view, warnings=("It is tilted.",))], []).complaint == ""


def test_volumes_that_mix_times_are_caught():
    series = SERIES["4D by temporal position"]
    view = right_view(series, slice(0, 9))
    codes = np.arange(series.n_voxels).reshape(3, 9, ROWS, COLUMNS)
    assert judge(series, [replace(view, samples=codes)], []).complaint == ""
    mixed = codes.copy()
    mixed[0, 3], mixed[1, 3] = codes[1, 3], codes[0, 3]
    assert judge(series, [replace(view, samples=mixed)], []).complaint == "mixes times in one volume"
    assert "in the order [2, 1, 3]" in judge(series, [replace(view, samples=codes[[1, 0, 2]])], []).complaint


def test_a_place_that_no_file_tells_is_caught():
    series = SERIES["no orientation"]
    view = replace(right_view(), warnings=("odd",))
    assert "claims a place" in judge(series, [view], []).complaint


def test_a_refusal_needs_numbers():
    assert "without numbers" in judge(SERIES["uneven"], [], ["It is odd."]).complaint
    assert judge(SERIES["uneven"], [], ["slices 4 and 5 are 5 mm apart."]).complaint == ""
