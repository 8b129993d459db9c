"""Discs and balls that touch are counted right, whatever the voxels' shape."""

from __future__ import annotations

import numpy as np
import pytest

from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.output_spec import OutputSpec
from napari_medclf.engine.instances.distance import split_at_necks
from napari_medclf.engine.instances.find import find_instances
from napari_medclf.testing.touching import DISCS_SHAPE, TOUCHING_DISCS, count_matches, paint_balls


def test_touching_discs_are_counted_right() -> None:
    truth = paint_balls(DISCS_SHAPE, TOUCHING_DISCS)
    found = split_at_necks(truth > 0)
    assert found.max() == len(TOUCHING_DISCS)
    assert count_matches(found, truth) == len(TOUCHING_DISCS)


def test_rough_outline_makes_no_further_objects() -> None:
    truth = paint_balls(DISCS_SHAPE, TOUCHING_DISCS)
    rng = np.random.default_rng(3)
    is_rim = (truth > 0) ^ (paint_balls(DISCS_SHAPE, [(centre, radius - 1) for centre, radius in TOUCHING_DISCS]) > 0)
    rough = (truth > 0) & ~(is_rim & (rng.random(DISCS_SHAPE) < 0.3))
    found = split_at_necks(rough)
    assert sum(np.bincount(found.ravel())[1:] > 20) == len(TOUCHING_DISCS)


@pytest.mark.parametrize("shape_factor", [(1.0, 1.0), (1.0, 1.4), (1.8, 1.0)])
def test_long_object_stays_one(shape_factor: tuple[float, float]) -> None:
    j, i = np.indices((60, 90))
    ellipse = ((j - 30) / (10 * shape_factor[0])) ** 2 + ((i - 45) / (20 * shape_factor[1])) ** 2 < 1
    assert split_at_necks(ellipse).max() == 1


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (2.5, 0.8, 1.0)])
def test_touching_balls_are_counted_in_millimetres(spacing: tuple[float, float, float]) -> None:
    shape = tuple(int(n / step) for n, step in zip((40, 44, 60), spacing, strict=True))
    place = np.array([[20, 22, 15], [20, 22, 31], [26, 22, 46]]) / spacing
    balls = [(tuple(one), radius) for one, radius in zip(place, (9.0, 8.5, 8.0), strict=True)]
    truth = paint_balls(shape, balls, spacing)
    found = split_at_necks(truth > 0, spacing)
    assert found.max() == 3
    assert count_matches(found, truth) == 3


def test_card_with_two_channels_or_one_chooses_the_same_objects() -> None:
    truth = paint_balls(DISCS_SHAPE, TOUCHING_DISCS)
    probability = np.where(truth > 0, 0.9, 0.1).astype(np.float32)[None, None]
    schema = LabelSchema.from_names(["cell"], first_value=1)
    two = OutputSpec(schema=schema, instances="distance")
    one = OutputSpec(schema=schema, instances="distance", activation="sigmoid", has_background_channel=False)
    from_two = find_instances(np.concatenate([1 - probability, probability]), two)
    np.testing.assert_array_equal(from_two, find_instances(probability, one))
    assert from_two.max() == len(TOUCHING_DISCS)


def test_nothing_is_no_object() -> None:
    assert not split_at_necks(np.zeros((9, 9), dtype=bool)).any()
