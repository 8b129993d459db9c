"""Clicks, scribbles and boxes say what a stroke would."""

from __future__ import annotations

import numpy as np
import pytest
from tiny_models import dice, model, run, two_dark_blocks, volume

from napari_medclf.domain.errors import GridError
from napari_medclf.engine.instant.head import InstantHead
from napari_medclf.engine.instant.prompts import BoxPrompt, Click, Scribble, answer_prompt


def _head(samples):
    return run(InstantHead.begin(model(), volume(samples)))


def _within(box, array):
    return array[tuple(slice(*one) for one in box)]


def test_a_click_labels_its_object_and_a_negative_click_takes_it_away():
    samples, truth = two_dark_blocks()
    head = _head(samples)
    answer = answer_prompt(head, Click((3, 6, 7), 1, radius=2.0))
    assert answer.labels.shape == _within(answer.box, truth).shape
    inside = _within(((2, 6), (3, 12), (4, 11)), head.labels())
    assert inside.mean() > 0.6
    taken = answer_prompt(head, Click((3, 6, 7), 0, radius=2.0), answer.corrections)
    assert _within(((2, 6), (3, 12), (4, 11)), head.labels()).mean() < 0.2
    assert len(taken.corrections) == 2 * len(answer.corrections)


def test_a_radius_is_in_millimetres_on_a_grid_of_unequal_spacing():
    samples, _ = two_dark_blocks()
    voxels = Click((5, 10, 10), 1, radius=2.0).corrections(_head(samples)).voxels - (5, 10, 10)
    assert np.abs(voxels).max(axis=0).tolist() == [1, 2, 2]  # slices are 2 mm apart
    assert ((voxels * (2, 1, 1)) ** 2).sum(axis=1).max() <= 4
    assert len(Click((5, 10, 10), 1).corrections(_head(samples))) == 1


def test_a_scribble_has_no_gaps():
    samples, _ = two_dark_blocks()
    line = Scribble([(4, 2, 3), (4, 9, 20)], 1).corrections(_head(samples)).voxels
    order = line[np.argsort(line[:, 2])]
    assert np.abs(np.diff(order, axis=0)).max() == 1
    assert {tuple(one) for one in line[[0, -1]].tolist()} == {(4, 2, 3), (4, 9, 20)}


def test_a_box_labels_its_object_without_spilling_over():
    samples, truth = two_dark_blocks()
    head = _head(samples)
    answer = answer_prompt(head, BoxPrompt(((2, 6), (3, 12), (4, 11)), 1))
    found = head.labels()[:7]
    assert dice(found, truth[:7]) > 0.7
    assert (found[truth[:7] == 0] > 0).mean() < 0.02
    assert set(answer.corrections.values.tolist()) == {1}


def test_what_a_model_labels_just_around_a_box_is_said_to_be_background():
    samples, truth = two_dark_blocks()
    samples[truth == 1] += 650
    samples[2:6, 12:14, 4:11] += 850
    head = _head(samples)
    value = int(head.labels()[3, 6, 7])
    assert value > 0
    assert (head.labels()[3, 12:14, 5:10] == value).all()
    answer = answer_prompt(head, BoxPrompt(((2, 6), (3, 12), (4, 11)), value))
    background = answer.corrections.voxels[answer.corrections.values == 0]
    assert {tuple(one) for one in background.tolist()} >= {(3, j, i) for j in (12, 13) for i in range(5, 10)}
    assert not ((background >= (2, 3, 4)) & (background < (6, 12, 11))).all(axis=1).any()


def test_prompts_beside_the_image_or_the_region_are_refused():
    samples, _ = two_dark_blocks()
    with pytest.raises(GridError, match="outside of the image"):
        answer_prompt(_head(samples), Scribble([(3, 40, 40)], 1))
    region = run(InstantHead.begin(model(), volume(samples), ((0, 3), (0, 5), (0, 5))))
    with pytest.raises(GridError, match="does not lie in the region"):
        answer_prompt(region, BoxPrompt(((9, 11), (9, 12), (9, 12)), 1))
