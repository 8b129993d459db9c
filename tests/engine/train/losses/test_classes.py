from __future__ import annotations

import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, one_hot

from napari_medclf.domain.recipe import LossSettings
from napari_medclf.engine.train.losses.classes import class_loss
from napari_medclf.engine.train.losses.targets import soft_targets

LOGITS = torch.randn(6, 4, generator=torch.Generator().manual_seed(2))
CLASSES = torch.tensor([0, 1, 2, 3, 1, 1])
SEVERAL = (torch.rand(6, 4, generator=torch.Generator().manual_seed(3)) > 0.6).float()


def test_cross_entropy_agrees_with_torch_smoothing():
    ours = class_loss(LOGITS, soft_targets(CLASSES, 4, 0.1), LossSettings())
    theirs = cross_entropy(LOGITS, CLASSES, label_smoothing=0.1)
    assert ours.item() == pytest.approx(theirs.item(), abs=1e-6)


def test_class_weights_agree_with_torch():
    weights = torch.tensor([0.5, 1.0, 2.0, 4.0])
    ours = class_loss(LOGITS, soft_targets(CLASSES, 4, 0), LossSettings(), class_weight=weights)
    assert ours.item() == pytest.approx(cross_entropy(LOGITS, CLASSES, weight=weights).item(), abs=1e-6)


def test_independent_classes_agree_with_torch():
    weights = torch.tensor([0.5, 1.0, 2.0, 4.0])
    ours = class_loss(LOGITS, SEVERAL, LossSettings(kind="bce"), is_exclusive=False, class_weight=weights)
    theirs = binary_cross_entropy_with_logits(LOGITS, SEVERAL, pos_weight=weights)
    assert ours.item() == pytest.approx(theirs.item(), abs=1e-6)


@pytest.mark.parametrize("is_exclusive", [True, False])
@pytest.mark.parametrize("gamma", [0.0, 1.0, 2.0, 3.5])
def test_focal_loss_agrees_with_monai(is_exclusive, gamma):
    from monai.losses import FocalLoss

    truth = one_hot(CLASSES, 4).float() if is_exclusive else SEVERAL
    ours = class_loss(LOGITS, truth, LossSettings(kind="focal", focal_gamma=gamma), is_exclusive=is_exclusive)
    theirs = FocalLoss(gamma=gamma, use_softmax=is_exclusive, include_background=True)(LOGITS, truth)
    # MONAI takes the mean over classes of a sum that has one term a sample.
    assert ours.item() == pytest.approx(theirs.item() * (4 if is_exclusive else 1), abs=1e-6)


@pytest.mark.parametrize("is_exclusive", [True, False])
def test_sure_and_right_samples_have_a_finite_gradient(is_exclusive):
    logits = (100.0 * one_hot(CLASSES, 4).float()).requires_grad_()
    truth = one_hot(CLASSES, 4).float()
    class_loss(logits, truth, LossSettings(kind="focal", focal_gamma=0.5), is_exclusive=is_exclusive).backward()
    assert logits.grad.isfinite().all()


def test_weight_of_samples_is_kept_apart_from_that_of_classes():
    weight, class_weight = torch.tensor([1.0, 1, 1, 1, 0, 2]), torch.tensor([1.0, 3, 1, 1])
    kept = torch.tensor([0, 1, 2, 3, 5, 5])
    ours = class_loss(LOGITS, soft_targets(CLASSES, 4, 0), LossSettings(), weight=weight, class_weight=class_weight)
    assert ours.item() == pytest.approx(cross_entropy(LOGITS[kept], CLASSES[kept], weight=class_weight).item())
