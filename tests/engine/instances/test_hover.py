"""Nuclei come apart where the distances to their middles fall."""

from __future__ import annotations

import numpy as np
import pytest

from napari_medclf.domain.errors import CardError
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.output_spec import OutputSpec
from napari_medclf.engine.instances.find import find_instances
from napari_medclf.testing.touching import DISCS_SHAPE, TOUCHING_DISCS, count_matches, paint_balls

_OUTPUT = OutputSpec(schema=LabelSchema.from_names(["nucleus"], first_value=1), instances="hover")


def _maps(truth: np.ndarray) -> np.ndarray:
    """Background, nucleus, and the distances of Graham 2019: -1 to 1 over each nucleus' own width and height."""
    horizontal, vertical = np.zeros(truth.shape), np.zeros(truth.shape)
    for number in range(1, int(truth.max()) + 1):
        rows, columns = np.nonzero(truth == number)
        for map_, along in ((vertical, rows), (horizontal, columns)):
            middle = along.mean()
            offset = along - middle
            map_[rows, columns] = np.where(offset < 0, offset / -offset.min(), offset / offset.max())
    is_nucleus = np.where(truth > 0, 0.95, 0.05)
    return np.stack([1 - is_nucleus, is_nucleus, horizontal, vertical])[:, None].astype(np.float32)


def test_touching_discs_are_counted_right() -> None:
    truth = paint_balls(DISCS_SHAPE, TOUCHING_DISCS)
    found = find_instances(_maps(truth), _OUTPUT)[0]
    assert found.max() == len(TOUCHING_DISCS)
    assert count_matches(found, truth) == len(TOUCHING_DISCS)


def test_empty_picture_has_no_nuclei() -> None:
    channels = np.zeros((4, 1, 30, 40), dtype=np.float32)
    channels[0] = 1
    assert not find_instances(channels, _OUTPUT).any()


def test_volumes_are_refused() -> None:
    with pytest.raises(CardError, match="made for pictures, not for volumes"):
        find_instances(np.zeros((4, 3, 8, 8), dtype=np.float32), _OUTPUT, is_3d=True)
