"""Curves of boxes and differences of numbers say what the numbers beside them say."""

from __future__ import annotations

import numpy as np
import pytest

from napari_medclf.domain.card import Metric
from napari_medclf.domain.detection import Detection
from napari_medclf.domain.geometry import Geometry
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.engine.metrics.box_matches import match_boxes
from napari_medclf.jobs.compare import Comparison, NumberPair
from napari_medclf.jobs.evaluation.measured import Measured
from napari_medclf.jobs.evaluation.task_curves import bland_altman_of, froc_of

_SCHEMA = LabelSchema.from_names(["nodule", "cyst"], first_value=1)


def _boxes(corners: list[int], scores: list[float]) -> Detection:
    boxes = np.array([[[0, one, one], [4, one + 4, one + 4]] for one in corners], dtype=float).reshape(-1, 2, 3)
    grid = Geometry.from_spacing((8, 60, 60), (1.0, 1.0, 1.0))
    return Detection(boxes, np.array(scores), ("nodule",) * len(corners), grid, _SCHEMA)


def test_froc_rises_with_every_lower_score():
    matches = match_boxes(_boxes([0, 20], [1, 1]), _boxes([0, 40, 20], [0.9, 0.6, 0.4]))
    measured = Measured({}, (Comparison("a", "a", boxes=matches),))
    assert froc_of(measured) == {
        "nodule": {"false_per_image": [0, 0, 1, 1], "sensitivity": [0, 0.5, 0.5, 1]},
    }


def test_differences_stand_beside_their_limits():
    metrics = {f"{key}/age": Metric(value=value) for key, value in (("bias", 1.5), ("loa_low", -1), ("loa_high", 4))}
    rows = [{"age": NumberPair(10, 11)}, {"age": NumberPair(20, 22)}, {"age": NumberPair(float("nan"), 30)}]
    measured = Measured(metrics, tuple(Comparison(str(n), str(n), numbers=row) for n, row in enumerate(rows)))
    assert bland_altman_of(measured)["age"] == {
        "mean": [10.5, 21], "difference": [1, 2], "bias": pytest.approx(1.5), "loa_low": -1, "loa_high": 4,
    }  # fmt: skip
