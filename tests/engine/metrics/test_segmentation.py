"""Numbers of a segmentation equal MONAI's, in millimetres."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from napari_medclf.domain.errors import GridError, SchemaError
from napari_medclf.domain.geometry import Geometry, Unit
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.results import Segmentation
from napari_medclf.engine.metrics.segmentation import measure_segmentation, score_mask, score_segmentation
from napari_medclf.testing.phantoms import brain_phantom

_SPACING = (3.5, 0.75, 0.5)


def _blobs(shape: tuple[int, ...], seed: int) -> np.ndarray:
    from scipy.ndimage import gaussian_filter

    return gaussian_filter(np.random.default_rng(seed).normal(size=shape), 2) > 0.05


def _as_monai(mask: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.squeeze(mask).astype(np.float64))[None, None]


@pytest.mark.parametrize("shape", [(12, 20, 28), (1, 40, 33)])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_equals_monai(shape: tuple[int, int, int], seed: int) -> None:
    from monai import metrics

    reference, predicted = _blobs(shape, seed), _blobs(shape, seed + 10)
    scores = score_mask(reference, predicted, _SPACING, tolerance=1.5)
    spacing = [step for step, n in zip(_SPACING, shape, strict=True) if n > 1]
    pair = {"y_pred": _as_monai(predicted), "y": _as_monai(reference)}
    dice = metrics.compute_dice(**pair, include_background=True)
    nsd = metrics.compute_surface_dice(**pair, class_thresholds=[1.5], include_background=True, spacing=spacing)
    hd95 = metrics.compute_hausdorff_distance(**pair, include_background=True, percentile=95, spacing=spacing)
    iou = metrics.compute_iou(**pair, include_background=True)
    assd = metrics.compute_average_surface_distance(**pair, include_background=True, symmetric=True, spacing=spacing)
    # MONAI answers in float32: equal to its last digit. The tests below go to 1e-9.
    theirs = {"dice": dice, "iou": iou, "nsd": nsd, "hd95_mm": hd95, "assd_mm": assd}
    for name, value in theirs.items():
        assert scores.as_dict()[name] == pytest.approx(float(value), rel=5e-7), name
    assert scores.volume_error == pytest.approx(abs(predicted.sum() - reference.sum()) / reference.sum(), abs=1e-12)


def test_overlaps_equal_scikit_learn() -> None:
    from sklearn.metrics import f1_score, jaccard_score

    reference, predicted = _blobs((12, 20, 28), 1), _blobs((12, 20, 28), 11)
    scores = score_mask(reference, predicted, _SPACING)
    assert scores.dice == pytest.approx(f1_score(reference.ravel(), predicted.ravel()), abs=1e-9)
    assert scores.iou == pytest.approx(jaccard_score(reference.ravel(), predicted.ravel()), abs=1e-9)


@pytest.mark.parametrize("seed", [4, 5])
def test_distances_equal_scipy_s_nearest_surface_voxels(seed: int) -> None:
    from scipy.ndimage import binary_erosion
    from scipy.spatial import cKDTree

    reference, predicted = _blobs((12, 20, 28), seed), _blobs((12, 20, 28), seed + 10)
    surfaces = [np.argwhere(mask & ~binary_erosion(mask)) * _SPACING for mask in (reference, predicted)]
    there, back = (cKDTree(surfaces[1 - n]).query(surfaces[n])[0] for n in (0, 1))
    scores = score_mask(reference, predicted, _SPACING, tolerance=1.5)
    assert scores.hd95 == pytest.approx(max(np.percentile(there, 95), np.percentile(back, 95)), abs=1e-9)
    assert scores.assd == pytest.approx(np.concatenate([there, back]).mean(), abs=1e-9)
    assert scores.nsd == pytest.approx((np.concatenate([there, back]) <= 1.5).mean(), abs=1e-9)


def test_shifted_mask_is_one_step_of_millimetres_away() -> None:
    mask = np.zeros((8, 10, 12), dtype=bool)
    mask[3:6, 4:8, 3:9] = True
    scores = score_mask(mask, np.roll(mask, 1, axis=0), _SPACING, tolerance=1.0)
    assert scores.hd95 == pytest.approx(3.5)
    assert scores.dice == pytest.approx(2 / 3)


def test_equal_masks_are_perfect() -> None:
    mask = _blobs((1, 20, 20), 4)
    assert score_mask(mask, mask, (1.0, 1.0, 1.0)).as_dict() == {
        "dice": 1.0,
        "iou": 1.0,
        "nsd": 1.0,
        "hd95_mm": 0.0,
        "assd_mm": 0.0,
        "volume_error": 0.0,
    }


def test_single_voxel_on_a_line_has_a_distance() -> None:
    line = np.zeros((1, 1, 9), dtype=bool)
    here, there = line.copy(), line.copy()
    here[0, 0, 1] = there[0, 0, 5] = True
    assert score_mask(here, there, (1.0, 1.0, 0.5)).hd95 == pytest.approx(2.0)


def test_class_that_nobody_has_is_undefined() -> None:
    empty = np.zeros((4, 5, 6), dtype=bool)
    assert np.isnan(list(score_mask(empty, empty, _SPACING).as_dict().values())).all()


@pytest.mark.parametrize("is_reference_empty", [True, False])
def test_class_that_only_one_has_is_zero_and_a_diagonal_away(is_reference_empty: bool) -> None:
    masks = [np.zeros((4, 3, 12), dtype=bool), np.ones((4, 3, 12), dtype=bool)]
    scores = score_mask(*(masks if is_reference_empty else masks[::-1]), (1.0, 1.0, 1.0))
    assert (scores.dice, scores.iou, scores.nsd, scores.hd95, scores.assd) == (0, 0, 0, 13, 13)
    assert np.isnan(scores.volume_error) if is_reference_empty else scores.volume_error == 1


def test_classes_are_matched_by_name() -> None:
    truth = brain_phantom().truth
    schema = LabelSchema.from_names(["posterior", "anterior"], first_value=1)
    swapped = np.array([0, 2, 1], dtype=np.uint8)[truth.labels]
    scores = score_segmentation(truth, replace(truth, labels=swapped, schema=schema))
    assert {name: one.dice for name, one in scores.items()} == {"anterior": 1.0, "posterior": 1.0}


def test_other_grid_is_refused() -> None:
    truth = brain_phantom().truth
    shape = truth.geometry.shape
    moved = replace(truth, geometry=Geometry.from_spacing(shape, (1.5, 1.0, 1.0), origin=(-19.0, -24.0, -10.0)))
    with pytest.raises(GridError, match="origin is shifted"):
        score_segmentation(truth, moved)


def test_missing_class_is_refused() -> None:
    truth = brain_phantom().truth
    other = replace(truth, schema=LabelSchema.from_names(["anterior", "tail"], first_value=1))
    with pytest.raises(SchemaError, match="no class 'posterior'"):
        score_segmentation(truth, other)


def test_picture_without_scale_is_measured_in_pixels() -> None:
    labels = np.zeros((1, 6, 9), dtype=np.uint8)
    labels[0, 2:4, 2:5] = 1
    schema = LabelSchema.from_names(["vessel"], first_value=1)
    seg = Segmentation(labels, Geometry.flat(6, 9), schema)
    scores = score_segmentation(seg, replace(seg, labels=np.roll(labels, 2, axis=2)))["vessel"]
    assert scores.unit is Unit.PIXEL
    assert scores.as_dict()["hd95_px"] == pytest.approx(2)


def test_cases_are_averaged_per_class_and_over_classes() -> None:
    truth = brain_phantom().truth
    worse = replace(truth, labels=np.where(truth.labels == 2, 0, truth.labels).astype(np.uint8))
    cases = [score_segmentation(truth, truth), score_segmentation(truth, worse)]
    metrics = measure_segmentation(cases, ["p", "q"], n_resamples=50)
    assert metrics["dice/anterior"].value == 1
    assert metrics["dice/posterior"].value == pytest.approx(0.5)
    assert metrics["dice"].value == pytest.approx(0.75)
    assert metrics["dice"].ci95 is not None
    assert {"nsd", "hd95_mm", "hd95_mm/anterior"} <= set(metrics)
