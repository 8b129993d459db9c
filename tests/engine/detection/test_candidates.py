"""Separate parts of labels become boxes with sizes in millimetres and scores from the probability."""

from __future__ import annotations

import numpy as np
import pytest

from napari_medclf.domain.errors import GridError, OptionError
from napari_medclf.domain.geometry import Geometry
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.results import Segmentation
from napari_medclf.engine.detection.candidates import CandidateOptions, candidates_from_labels, candidates_from_map

_SCHEMA = LabelSchema.from_names(["nodule", "vessel"], first_value=1)
_GEOMETRY = Geometry.from_spacing((12, 20, 28), (2.5, 0.7, 0.6))


def _segmentation(is_instances: bool = False) -> Segmentation:
    labels = np.zeros((12, 20, 28), dtype=np.uint8)
    labels[2:5, 4:9, 6:10] = 1
    labels[8, 15, 20] = 1
    labels[9, 16, 21] = 1  # shares a corner
    labels[0, 0:2, 0:18] = 2
    if is_instances:
        labels = np.where(labels == 2, 3, labels)
    return Segmentation(labels, _GEOMETRY, _SCHEMA, is_instances=is_instances, name="lung", source_digest="abc")


def test_every_part_has_a_box_along_its_voxels_edges() -> None:
    found = candidates_from_labels(_segmentation())
    assert found.names == ("nodule", "nodule", "vessel")
    assert found.boxes.tolist() == [
        [[1.5, 3.5, 5.5], [4.5, 8.5, 9.5]],
        [[7.5, 14.5, 19.5], [9.5, 16.5, 21.5]],
        [[-0.5, -0.5, -0.5], [0.5, 1.5, 17.5]],
    ]
    np.testing.assert_allclose(found.sizes_mm[0], (7.5, 3.5, 2.4))
    assert found.scores.tolist() == [1.0, 1.0, 1.0]
    assert (found.source_digest, found.name) == ("abc", "lung boxes")


def test_objects_keep_their_numbers_parts() -> None:
    found = candidates_from_labels(_segmentation(is_instances=True))
    assert set(found.names) == {"nodule"}
    assert len(found) == 2


def test_scores_are_the_mean_or_the_highest_probability_inside() -> None:
    probability = np.zeros((12, 20, 28), dtype=np.float32)
    probability[2:5, 4:9, 6:10] = 0.6
    probability[3, 5, 7] = 0.9
    probability[8, 15, 20], probability[9, 16, 21] = 0.8, 0.4
    mean = candidates_from_labels(_segmentation(), probability)
    np.testing.assert_allclose(mean.scores[:2], [0.6 + 0.3 / 60, 0.6], rtol=1e-6)
    highest = candidates_from_labels(_segmentation(), probability, CandidateOptions(score="max"))
    np.testing.assert_allclose(highest.scores[:2], [0.9, 0.8], rtol=1e-6)


@pytest.mark.parametrize(
    ("smallest_mm", "largest_mm", "n_boxes"), [(0, np.inf, 3), (6.0, np.inf, 2), (6.0, 8.0, 1), (0, 5.5, 1)]
)
def test_limits_hold_for_the_longest_edge_in_millimetres(smallest_mm: float, largest_mm: float, n_boxes: int) -> None:
    options = CandidateOptions(smallest_mm, largest_mm)
    assert len(candidates_from_labels(_segmentation(), options=options)) == n_boxes


def test_probability_map_becomes_boxes_above_its_threshold() -> None:
    probability = np.zeros((12, 20, 28), dtype=np.float32)
    probability[4:6, 4:6, 4:6] = 0.7
    probability[8:10, 8:10, 8:10] = 0.4
    assert len(candidates_from_map(probability, _GEOMETRY, _SCHEMA)) == 1
    lower = candidates_from_map(probability, _GEOMETRY, _SCHEMA, threshold=0.3)
    np.testing.assert_allclose(lower.scores, [0.7, 0.4], rtol=1e-6)


def test_thickness_of_a_picture_is_no_size() -> None:
    geometry = Geometry.from_spacing((1, 20, 28), (40.0, 0.5, 0.5))
    labels = np.zeros((1, 20, 28), dtype=np.uint8)
    labels[0, 2:6, 3:9] = 1
    found = candidates_from_labels(
        Segmentation(labels, geometry, _SCHEMA), options=CandidateOptions(smallest_mm=1, largest_mm=5)
    )
    assert len(found) == 1


def test_nothing_labelled_is_nothing_found() -> None:
    empty = Segmentation(np.zeros((12, 20, 28), dtype=np.uint8), _GEOMETRY, _SCHEMA)
    assert len(candidates_from_labels(empty)) == 0


def test_probability_of_another_grid_is_refused() -> None:
    with pytest.raises(GridError, match="does not fit"):
        candidates_from_labels(_segmentation(), np.zeros((3, 3, 3), dtype=np.float32))


@pytest.mark.parametrize("options", [{"score": "best"}, {"smallest_mm": 9.0, "largest_mm": 3.0}])
def test_options_that_make_no_sense_are_refused(options: dict) -> None:
    with pytest.raises(OptionError):
        CandidateOptions(**options)
