"""Voxels that point to one centre are one object, in pictures and volumes."""

from __future__ import annotations

import numpy as np
import pytest

from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.output_spec import OutputSpec
from napari_medclf.engine.instances.find import find_instances
from napari_medclf.engine.instances.flows import follow_flows
from napari_medclf.testing.touching import DISCS_SHAPE, TOUCHING_DISCS, Ball, count_matches, paint_balls


def _flows(truth: np.ndarray, balls: list[Ball], length: float = 1.0) -> np.ndarray:
    """Unit vectors towards each object's centre, times a length; zero outside."""
    places = np.indices(truth.shape).astype(float)
    flows = np.zeros((truth.ndim, *truth.shape))
    for number, (centre, _) in enumerate(balls, start=1):
        towards = np.array(centre).reshape(-1, *[1] * truth.ndim) - places
        norm = np.maximum(np.linalg.norm(towards, axis=0), 1.0)
        flows = np.where(truth == number, towards / norm, flows)
    return (length * flows).astype(np.float32)


@pytest.mark.parametrize("length", [0.7, 1.0, 5.0])
def test_touching_discs_are_counted_right_whatever_the_flows_length(length: float) -> None:
    truth = paint_balls(DISCS_SHAPE, TOUCHING_DISCS)
    found = follow_flows(truth > 0, _flows(truth, TOUCHING_DISCS, length))
    assert found.max() == len(TOUCHING_DISCS)
    assert count_matches(found, truth) == len(TOUCHING_DISCS)


def test_noise_in_the_flows_does_not_part_objects() -> None:
    truth = paint_balls(DISCS_SHAPE, TOUCHING_DISCS)
    flows = _flows(truth, TOUCHING_DISCS) + np.random.default_rng(4).normal(0, 0.2, (2, *DISCS_SHAPE)).astype(
        np.float32
    )
    assert count_matches(follow_flows(truth > 0, flows), truth) == len(TOUCHING_DISCS)


def test_touching_balls_are_counted_right() -> None:
    balls: list[Ball] = [((12.0, 14.0, 11.0), 7.5), ((12.0, 14.0, 25.0), 7.0), ((19.0, 25.0, 18.0), 6.0)]
    truth = paint_balls((26, 36, 38), balls)
    found = follow_flows(truth > 0, _flows(truth, balls))
    assert found.max() == 3
    assert count_matches(found, truth) == 3


def test_card_chooses_flows_and_small_objects_go() -> None:
    truth = paint_balls(DISCS_SHAPE, TOUCHING_DISCS)
    channels = np.concatenate([np.where(truth > 0, 0.9, 0.1)[None], _flows(truth, TOUCHING_DISCS)]).astype(np.float32)
    output = OutputSpec(schema=LabelSchema.from_names(["cell"], first_value=1), instances="flows")
    found = find_instances(channels[:, None], output, min_object_vox=150)
    assert found.max() == sum(np.pi * radius**2 > 150 for _, radius in TOUCHING_DISCS)


def test_nothing_is_no_object() -> None:
    assert not follow_flows(np.zeros((9, 9), dtype=bool), np.zeros((2, 9, 9), dtype=np.float32)).any()
