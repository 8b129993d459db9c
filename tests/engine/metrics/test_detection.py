"""Average precision and FROC equal MONAI's, and what a detector finds is counted as people count it."""

from __future__ import annotations

import numpy as np
import pytest

from napari_medclf.domain.detection import Detection
from napari_medclf.domain.geometry import Geometry
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.engine.metrics.box_matches import IOU_THRESHOLDS, match_boxes
from napari_medclf.engine.metrics.detection import (
    FROC_RATES,
    best_f1_score,
    froc_curve,
    measure_detection,
    statistic_of_boxes,
)

_SCHEMA = LabelSchema.from_names(["nodule", "cyst"], first_value=1)
_GRID = Geometry.from_spacing((40, 60, 80), (2.0, 1.0, 0.8))


def _detection(boxes, scores=None, names=None) -> Detection:
    boxes = np.asarray(boxes, dtype=float).reshape(-1, 2, 3)
    scores = np.ones(len(boxes)) if scores is None else np.asarray(scores)
    return Detection(boxes, scores, tuple(names or ["nodule"] * len(boxes)), _GRID, _SCHEMA)


def _cube(k: float, j: float, i: float, size: float = 10) -> list[list[float]]:
    return [[k, j, i], [k + size, j + size, i + size]]


def _random_case(random: np.random.Generator) -> tuple[Detection, Detection]:
    """Three to six lesions of two kinds; most are found nearly where they are, with false ones between."""
    n = int(random.integers(3, 7))
    low = random.uniform(0, 25, (n, 3))
    truth = np.stack([low, low + random.uniform(4, 12, (n, 3))], axis=1)
    names = [str(name) for name in random.choice(["nodule", "cyst"], n)]
    moved = truth + random.normal(0, 0.8, truth.shape)
    false = random.uniform(0, 25, (4, 3))
    found = np.concatenate([moved[: n - 1], np.stack([false, false + 6], axis=1), moved[:1] + 0.3])
    said = [*names[: n - 1], "nodule", "cyst", "nodule", "cyst", names[0]]
    found = np.sort(found, axis=1)
    return _detection(truth, names=names), _detection(found, random.uniform(0.1, 0.9, len(found)), said)


@pytest.fixture(scope="module")
def cases():
    random = np.random.default_rng(4)
    return [_random_case(random) for _ in range(12)]


@pytest.fixture(scope="module")
def scores(cases):
    matches = [match_boxes(*one) for one in cases]
    return statistic_of_boxes(matches)(np.arange(len(cases)))


@pytest.mark.parametrize(
    ("ours", "theirs"), [("ap", "mAP_IoU_0.50_0.95_0.05"), ("ap50", "AP_IoU_0.50"), ("ap10", "AP_IoU_0.10")]
)
def test_average_precision_equals_monais(cases, scores, ours, theirs):
    from monai.apps.detection.metrics.coco import COCOMetric
    from monai.apps.detection.metrics.matching import matching_batch
    from monai.data.box_utils import box_iou

    metric = COCOMetric(["nodule", "cyst"], iou_list=(0.1, 0.5), iou_range=(0.5, 0.95, 0.05), verbose=False)

    def arrays(which: int):
        return [
            (one[which].boxes.reshape(-1, 6), np.array([_SCHEMA.names.index(name) for name in one[which].names]))
            for one in cases
        ]

    results = matching_batch(
        iou_fn=box_iou,
        iou_thresholds=metric.iou_thresholds,
        pred_boxes=[boxes for boxes, _ in arrays(1)],
        pred_classes=[classes for _, classes in arrays(1)],
        pred_scores=[found.scores for _, found in cases],
        gt_boxes=[boxes for boxes, _ in arrays(0)],
        gt_classes=[classes for _, classes in arrays(0)],
    )
    expected, _ = metric(results)
    for name in _SCHEMA.names:
        assert scores[f"{ours}/{name}"] == pytest.approx(expected[f"{name}_{theirs}_MaxDet_100"], abs=1e-9)
    assert scores[f"m{ours}"] == pytest.approx(np.mean([scores[f"{ours}/{name}"] for name in _SCHEMA.names]))


def test_froc_equals_monais():
    from monai.metrics import compute_fp_tp_probs_nd, compute_froc_curve_data, compute_froc_score

    truth = _detection([_cube(0, 0, 0), _cube(20, 20, 20), _cube(0, 30, 50), _cube(25, 45, 60)])
    corners = [(1, 1, 1), (21, 19, 21), (2, 30, 48), (20, 0, 0), (0, 45, 0), (3, 2, 2), (20, 0, 40), (5, 0, 60)]
    scores = [0.9, 0.6, 0.7, 0.8, 0.5, 0.4, 0.3, 0.2]
    found = _detection([_cube(*one) for one in corners], scores)
    mask = np.zeros(_GRID.shape, dtype=int)
    for number, box in enumerate(truth.boxes.astype(int), start=1):
        mask[tuple(slice(low, high + 1) for low, high in box.T)] = number
    false, right, n = compute_fp_tp_probs_nd(found.scores, found.centres.round().astype(int), mask)
    expected = compute_froc_score(*compute_froc_curve_data(false, right, n, 1), FROC_RATES)
    assert statistic_of_boxes([match_boxes(truth, found)])(np.array([0]))["froc/nodule"] == pytest.approx(expected)


def test_froc_curve_equals_a_slow_count():
    random = np.random.default_rng(2)
    hits, false = random.integers(-1, 9, 30) / 10.0, random.integers(0, 9, 50) / 10.0
    hits[hits < 0] = -1
    weights = random.integers(0, 3, 30), random.integers(0, 3, 50)
    rates, sensitivities = froc_curve(hits, false, *weights)
    for number, score in enumerate(sorted({*hits[hits >= 0], *false}, reverse=True), start=1):
        assert rates[number] == sum(w for value, w in zip(false, weights[1], strict=True) if value >= score)
        n_hit = sum(w for value, w in zip(hits, weights[0], strict=True) if value >= score)
        assert sensitivities[number] == pytest.approx(n_hit / weights[0].sum())


def test_case_that_is_drawn_twice_counts_as_two(cases):
    matches = [match_boxes(*one) for one in cases]
    drawn = statistic_of_boxes(matches)(np.array([3, 3, 0, 7]))
    apart = statistic_of_boxes([matches[3], matches[3], matches[0], matches[7]])(np.arange(4))
    assert drawn == pytest.approx(apart)


def test_second_box_on_one_lesion_is_wrong_for_precision_but_no_false_alarm():
    truth = _detection([_cube(5, 5, 5)])
    found = _detection([_cube(5, 5, 5), _cube(6, 5, 5)], [0.9, 0.8])
    matches = match_boxes(truth, found)
    scores = statistic_of_boxes([matches])(np.array([0]))
    assert scores["sensitivity/nodule"] == 1
    assert scores["precision/nodule"] == 0.5
    assert scores["froc/nodule"] == 1
    assert matches["nodule"].is_right[IOU_THRESHOLDS.index(0.5)].tolist() == [True, False]


def test_boxes_below_the_models_threshold_count_for_curves_alone():
    truth = _detection([_cube(5, 5, 5), _cube(20, 30, 40)])
    found = _detection([_cube(5, 5, 5), _cube(20, 30, 40)], [0.9, 0.3])
    scores = statistic_of_boxes([match_boxes(truth, found, {"Nodule": 0.4})])(np.array([0]))
    assert scores["ap50/nodule"] == 1
    assert scores["sensitivity/nodule"] == 0.5


def test_class_without_a_reference_has_false_boxes_only():
    found = _detection([_cube(5, 5, 5)], [0.9], ["cyst"])
    scores = statistic_of_boxes([match_boxes(_detection([_cube(0, 0, 0)]), found)])(np.array([0]))
    assert np.isnan([scores["ap50/cyst"], scores["froc/cyst"], scores["sensitivity/cyst"]]).all()
    assert scores["false_per_image/cyst"] == 1
    assert scores["map50"] == scores["ap50/nodule"] == 0


def test_intervals_are_drawn_by_patient(cases):
    matches = [match_boxes(*one) for one in cases]
    metric = measure_detection(matches, [str(n // 2) for n in range(12)], n_resamples=100)["map50"]
    assert metric.ci95 is not None
    assert metric.ci95[0] <= metric.value <= metric.ci95[1]


def test_best_score_has_the_best_f1(cases):
    matches = [match_boxes(*one) for one in cases]
    best = best_f1_score([one["nodule"] for one in matches])
    assert best is not None

    def f1(score: float) -> float:
        at = [match_boxes(*one, {"nodule": score}) for one in cases]
        return statistic_of_boxes(at)(np.arange(len(cases)))["f1/nodule"]

    assert f1(best) >= max(f1(score) for score in np.linspace(0, 1, 51))
