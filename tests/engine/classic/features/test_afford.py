"""Features are counted as far as the time goes."""

from __future__ import annotations

import pytest
import torch

from napari_medclf.engine.classic.features import afford
from napari_medclf.engine.classic.features.afford import affordable_kinds

IMAGES = torch.rand(2, 1, 12, 16)


@pytest.fixture
def known_costs(monkeypatch):
    """Let an image take 1 s of edges, 3 s of form and 9 s of texture."""
    costs = {"lbp": 9.0, "hog": 1.0, "shape": 3.0}
    monkeypatch.setattr(afford, "_seconds_an_image", lambda kind, _: costs[kind])


@pytest.mark.parametrize(
    ("limit_s", "kept"), [(131, ("lbp", "hog", "shape")), (129, ("hog", "shape")), (39, ("hog",)), (0, ("hog",))]
)
def test_the_dearest_features_are_left_out_first_and_one_kind_stays(known_costs, limit_s, kept):
    assert affordable_kinds(IMAGES, 10, limit_s, ("lbp", "hog", "shape")) == kept


def test_with_time_enough_all_features_are_counted():
    assert affordable_kinds(IMAGES, 10, 1e6) == tuple(afford.KINDS)
