from __future__ import annotations

import numpy as np
import pytest

from napari_medclf.domain.errors import GridError, OptionError
from napari_medclf.engine.correct.brush import Brush, footprint, paint
from napari_medclf.engine.correct.change import change_between, paint_where, together

SHAPE = (12, 40, 56)
SPACING = (5.0, 1.0, 0.5)


def painted(path, brush, shape=SHAPE) -> np.ndarray:
    labels = np.zeros(shape, dtype=np.uint8)
    return paint(labels, path, brush, 3).applied(labels) == 3


def distance_mm(place) -> np.ndarray:
    grid = np.stack(np.indices(SHAPE), axis=-1)
    return np.linalg.norm((grid - np.asarray(place)) * SPACING, axis=-1)


def test_ball_is_round_in_millimetres_where_slices_are_thick() -> None:
    place = (6, 20, 30)
    assert (painted([place], Brush(7.0, SPACING)) == (distance_mm(place) <= 7.0)).all()


def test_disc_stays_in_its_slice() -> None:
    place = (6, 20, 30)
    found = painted([place], Brush(7.0, SPACING, axis=0))
    assert found[6].sum() == (distance_mm(place) <= 7.0)[6].sum()
    assert found.any(axis=(1, 2)).nonzero()[0].tolist() == [6]


def test_disc_works_across_every_axis() -> None:
    found = painted([(6, 20, 30)], Brush(7.0, SPACING, axis=2))
    assert found.any(axis=(0, 1)).nonzero()[0].tolist() == [30]
    assert found[:, 20, 30].sum() == 3  # 5 mm a slice, 7 mm to each side


def test_quick_hand_leaves_no_gap() -> None:
    path = [(6, 5, 5), (6, 30, 45)]
    found = painted(path, Brush(2.0, SPACING, axis=0))
    steps = np.linspace(path[0], path[1], 400)
    expected = np.min([distance_mm(step) for step in steps[::4]], axis=0) <= 1.9
    assert found[6][expected[6]].all()
    assert found.sum() < 1.3 * expected[6].sum()


def test_smallest_brush_still_paints_the_voxel_under_it() -> None:
    found = painted([(6.3, 20.4, 30.2)], Brush(0.01, SPACING))
    assert np.argwhere(found).tolist() == [[6, 20, 30]]


def test_brush_outside_of_the_image_paints_nothing() -> None:
    assert footprint(Brush(1.0, SPACING), [(6, -30, 5)], SHAPE) is None
    assert not painted([(6, -30, 5)], Brush(1.0, SPACING)).any()


def test_brush_at_the_corner_is_cut() -> None:
    assert (painted([(0, 0, 0)], Brush(6.0, SPACING)) == (distance_mm((0, 0, 0)) <= 6.0)).all()


def test_what_had_the_value_is_confirmed_and_not_changed() -> None:
    labels = np.full(SHAPE, 3, dtype=np.uint8)
    change = paint(labels, [(6, 20, 30)], Brush(3.0, SPACING), 3)
    assert len(change) > 0
    assert change.n_changed == 0


def test_other_classes_are_kept_where_asked() -> None:
    labels = np.zeros(SHAPE, dtype=np.uint8)
    labels[:, 20:] = 2
    found = paint(labels, [(6, 20, 30)], Brush(5.0, SPACING), 1, keeps_others=True).applied(labels)
    assert (found[:, 20:] == 2).all()
    assert (found[:, :20] == 1).any()


def test_radius_of_nothing_is_refused() -> None:
    with pytest.raises(OptionError, match="above 0 mm"):
        Brush(0.0, SPACING)


def test_value_that_labels_cannot_hold_is_refused() -> None:
    with pytest.raises(GridError, match="uint8"):
        paint(np.zeros(SHAPE, dtype=np.uint8), [(6, 20, 30)], Brush(1.0, SPACING), 256)


def test_later_change_counts_where_two_touch_a_voxel() -> None:
    labels = np.zeros((2, 3, 4), dtype=np.uint8)
    box = (slice(0, 1), slice(0, 2), slice(0, 2))
    both = together(
        [
            paint_where(labels, box, np.ones((1, 2, 2), bool), 1),
            paint_where(labels, box, np.eye(2, dtype=bool)[None], 2),
        ],
        labels,
    )
    assert both.applied(labels)[0, :2, :2].tolist() == [[2, 1], [1, 2]]
    assert (change_between(labels, both.applied(labels)).voxels == both.voxels).all()
