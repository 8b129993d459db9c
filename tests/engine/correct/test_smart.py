from __future__ import annotations

import numpy as np
import pytest

from napari_medclf.domain.errors import GridError, OptionError
from napari_medclf.engine.correct.brush import Brush, footprint
from napari_medclf.engine.correct.smart import range_paint, range_under, smart_paint

SHAPE = (6, 60, 80)
SPACING = (4.0, 1.0, 1.0)
CENTRE = (3, 30, 40)


@pytest.fixture
def disc() -> np.ndarray:
    row, column = np.indices(SHAPE[1:])
    return np.broadcast_to((row - 30) ** 2 + (column - 40) ** 2 <= 12**2, SHAPE)


@pytest.fixture
def image(disc: np.ndarray) -> np.ndarray:
    noise = np.random.default_rng(1).normal(0, 10, SHAPE)
    return (40 + 60 * disc + noise).astype(np.float32)


def overlap(found: np.ndarray, truth: np.ndarray) -> float:
    return float(2 * (found & truth).sum() / (found.sum() + truth.sum()))


def test_smart_brush_stops_at_the_edge_where_a_plain_one_spills(disc, image) -> None:
    labels = np.zeros(SHAPE, dtype=np.uint8)
    brush = Brush(17.0, SPACING, axis=0)
    found = smart_paint(labels, image, [CENTRE], brush, 1).applied(labels) == 1
    under = footprint(brush, [CENTRE], SHAPE)
    assert overlap(found[3], disc[3]) > 0.97
    assert under is not None
    assert 2 * disc[3].sum() / (under.mask.sum() + disc[3].sum()) < 0.75
    assert not found[[0, 1, 2, 4, 5]].any()


def test_smart_brush_is_a_plain_one_inside_of_a_region(disc, image) -> None:
    labels = np.zeros(SHAPE, dtype=np.uint8)
    brush = Brush(6.0, SPACING, axis=0)
    under = footprint(brush, [CENTRE], SHAPE)
    assert under is not None
    assert len(smart_paint(labels, image, [CENTRE], brush, 1)) >= 0.98 * under.mask.sum()


def test_smart_ball_grows_through_slices(disc, image) -> None:
    labels = np.zeros(SHAPE, dtype=np.uint8)
    found = smart_paint(labels, image, [CENTRE], Brush(15.0, SPACING), 1).applied(labels) == 1
    assert found[2].any()
    assert found[4].any()
    assert (found & ~disc).sum() < 0.04 * found.sum()


def test_probability_gives_the_edge_where_the_model_knows_the_place(disc, image) -> None:
    labels = np.zeros(SHAPE, dtype=np.uint8)
    probability = np.where(disc, 0.3, 0.04).astype(np.float32)  # it would not have said so by itself
    flat = np.zeros(SHAPE, dtype=np.float32)
    brush = Brush(17.0, SPACING, axis=0)
    found = smart_paint(labels, flat, [CENTRE], brush, 1, probability=probability).applied(labels) == 1
    assert (found[3] == disc[3]).all()
    unknown = smart_paint(labels, image, [CENTRE], brush, 1, probability=np.zeros_like(flat)).applied(labels) == 1
    assert overlap(unknown[3], disc[3]) > 0.97


def test_image_without_noise_needs_no_tolerance_of_its_own(disc) -> None:
    labels = np.zeros(SHAPE, dtype=np.uint8)
    found = smart_paint(labels, disc * 100.0, [CENTRE], Brush(17.0, SPACING, axis=0), 1).applied(labels) == 1
    assert (found[3] == disc[3]).all()


def test_colours_are_judged_together(disc) -> None:
    labels = np.zeros(SHAPE, dtype=np.uint8)
    noise = np.random.default_rng(2).normal(0, 5, (3, *SHAPE))
    colour = noise + np.stack([np.full(SHAPE, 120.0), np.where(disc, 40.0, 120.0), np.full(SHAPE, 90.0)])
    found = smart_paint(labels, colour, [CENTRE], Brush(17.0, SPACING, axis=0), 1).applied(labels) == 1
    assert overlap(found[3], disc[3]) > 0.97


def test_range_brush_paints_the_range_and_nothing_else(image) -> None:
    labels = np.zeros(SHAPE, dtype=np.uint8)
    brush = Brush(17.0, SPACING, axis=0)
    under = footprint(brush, [CENTRE], SHAPE)
    found = range_paint(labels, image, [CENTRE], brush, 2, (80.0, 200.0)).applied(labels) == 2
    assert under is not None
    whole = np.zeros(SHAPE, dtype=bool)
    whole[under.box] = under.mask
    assert (found == (whole & (image >= 80) & (image <= 200))).all()


def test_range_under_the_cursor_holds_most_of_what_is_there(image) -> None:
    low, high = range_under(image, CENTRE, Brush(8.0, SPACING, axis=0), SHAPE)
    assert 75 < low < 95
    assert 105 < high < 125


def test_limits_the_wrong_way_round_are_refused(image) -> None:
    labels = np.zeros(SHAPE, dtype=np.uint8)
    with pytest.raises(OptionError, match="lower limit"):
        range_paint(labels, image, [CENTRE], Brush(3.0, SPACING), 1, (5.0, 1.0))


def test_image_of_another_grid_is_refused() -> None:
    labels = np.zeros(SHAPE, dtype=np.uint8)
    with pytest.raises(GridError, match="does not fit"):
        smart_paint(labels, np.zeros((6, 60, 81), np.float32), [CENTRE], Brush(3.0, SPACING), 1)
