from __future__ import annotations

import pytest
import torch

from napari_medclf.domain.recipe import LossSettings
from napari_medclf.engine.train.losses.segment import deep_loss, segmentation_loss

VOXELS_ONLY = LossSettings(region="none")


def random_case(shape=(2, 7, 5), n_classes=3):
    random = torch.Generator().manual_seed(1)
    logits = torch.randn(shape[0], n_classes, *shape[1:], generator=random)
    return logits, torch.randint(0, n_classes, shape, generator=random)


def test_voxel_of_weight_zero_changes_neither_loss_nor_gradient():
    labels = torch.tensor([[[0, 1], [1, 0]]])
    weight = torch.tensor([[[1.0, 1.0], [0.0, 1.0]]])
    for edge in ("none", "boundary", "hausdorff"):
        values = []
        for strange in (-5.0, 5.0):
            logits = torch.zeros(1, 2, 2, 2)
            logits[0, 1, 1, 0] = strange
            logits.requires_grad_()
            loss = segmentation_loss(logits, labels, weight, LossSettings(edge=edge))
            loss.backward()
            assert logits.grad[0, :, 1, 0].abs().max() == 0
            values.append(loss.item())
        assert values[0] == pytest.approx(values[1])


def test_painted_voxel_counts_as_often_as_its_weight():
    labels = torch.tensor([[[0, 1]]])
    logits = torch.tensor([[[[2.0, 2.0]], [[0.0, 0.0]]]])
    loss = segmentation_loss(logits, labels, torch.tensor([[[1.0, 3.0]]]), VOXELS_ONLY)
    right, wrong = -torch.tensor([2.0, 0.0]).log_softmax(0)
    assert loss.item() == pytest.approx(((right + 3 * wrong) / 4).item())


def test_perfect_segmentation_has_no_loss():
    labels = torch.randint(0, 3, (2, 6, 5), generator=torch.Generator().manual_seed(0))
    logits = 50.0 * torch.nn.functional.one_hot(labels, 3).movedim(-1, 1).float()
    for region in ("dice", "tversky", "focal_tversky"):
        loss = segmentation_loss(logits, labels, torch.ones(2, 6, 5), LossSettings(region=region))
        assert loss.item() == pytest.approx(0.0, abs=1e-4)


def test_class_weight_agrees_with_torch():
    logits, labels = random_case()
    weights = torch.tensor([0.2, 1.0, 3.0])
    ours = segmentation_loss(logits, labels, torch.ones(labels.shape), VOXELS_ONLY, weights)
    theirs = torch.nn.functional.cross_entropy(logits, labels, weight=weights)
    assert ours.item() == pytest.approx(theirs.item(), abs=1e-6)


def test_label_smoothing_agrees_with_torch():
    logits, labels = random_case()
    settings = LossSettings(region="none", label_smoothing=0.1)
    ours = segmentation_loss(logits, labels, torch.ones(labels.shape), settings)
    theirs = torch.nn.functional.cross_entropy(logits, labels, label_smoothing=0.1)
    assert ours.item() == pytest.approx(theirs.item(), abs=1e-6)


def test_terms_are_added_in_their_parts():
    logits, labels = random_case()
    weight = torch.ones(labels.shape)
    alone = {
        "voxels": segmentation_loss(logits, labels, weight, VOXELS_ONLY),
        "region": segmentation_loss(logits, labels, weight, LossSettings(region_weight=1.0)),
    }
    both = segmentation_loss(logits, labels, weight, LossSettings(region_weight=0.3))
    assert both.item() == pytest.approx((0.7 * alone["voxels"] + 0.3 * alone["region"]).item())
    edge = LossSettings(region_weight=0.3, edge="boundary", edge_weight=0.5)
    more = segmentation_loss(logits, labels, weight, edge) - both
    twice = segmentation_loss(logits, labels, weight, edge.model_copy(update={"edge_weight": 1.0})) - both
    assert twice.item() == pytest.approx(2 * more.item(), rel=1e-3)


def test_one_scale_is_the_plain_loss():
    logits, labels = random_case()
    weight = torch.ones(labels.shape)
    plain = segmentation_loss(logits, labels, weight, LossSettings())
    assert deep_loss([logits], labels, weight, LossSettings()).item() == pytest.approx(plain.item())


def test_further_scales_count_half_each_and_see_coarser_labels():
    labels = torch.zeros(1, 8, 12, dtype=torch.long)
    labels[:, :4] = 1
    weight = torch.ones(labels.shape)
    answers = [torch.zeros(1, 2, 8, 12), torch.zeros(1, 2, 4, 6), torch.zeros(1, 2, 2, 3)]
    answers[1][:, 1, :2], answers[1][:, 0, 2:] = 50.0, 50.0  # right on its scale, and half of the rest is not
    parts = [segmentation_loss(answers[0], labels, weight, VOXELS_ONLY).item(), 0.0]
    parts.append(parts[0])
    loss = deep_loss(answers, labels, weight, VOXELS_ONLY)
    assert loss.item() == pytest.approx((parts[0] + 0.5 * parts[1] + 0.25 * parts[2]) / 1.75, abs=1e-5)
