from __future__ import annotations

import pytest
import torch

from napari_medclf.engine.train.losses import classification_loss, segmentation_loss, soft_targets


def test_voxel_of_weight_zero_changes_neither_loss_nor_gradient():
    labels = torch.tensor([[[0, 1], [1, 0]]])
    weight = torch.tensor([[[1.0, 1.0], [0.0, 1.0]]])
    values = []
    for strange in (-5.0, 5.0):
        logits = torch.zeros(1, 2, 2, 2)
        logits[0, 1, 1, 0] = strange
        logits.requires_grad_()
        loss = segmentation_loss(logits, labels, weight, dice_weight=0.5, smoothing=0.0)
        loss.backward()
        assert logits.grad[0, :, 1, 0].abs().max() == 0
        values.append(loss.item())
    assert values[0] == pytest.approx(values[1])


def test_painted_voxel_counts_as_often_as_its_weight():
    labels = torch.tensor([[[0, 1]]])
    logits = torch.tensor([[[[2.0, 2.0]], [[0.0, 0.0]]]])
    loss = segmentation_loss(logits, labels, torch.tensor([[[1.0, 3.0]]]), dice_weight=0.0, smoothing=0.0)
    right, wrong = -torch.tensor([2.0, 0.0]).log_softmax(0)
    assert loss.item() == pytest.approx(((right + 3 * wrong) / 4).item())


def test_perfect_segmentation_has_no_loss():
    labels = torch.randint(0, 3, (2, 6, 5), generator=torch.Generator().manual_seed(0))
    logits = 50.0 * torch.nn.functional.one_hot(labels, 3).movedim(-1, 1).float()
    loss = segmentation_loss(logits, labels, torch.ones(2, 6, 5), dice_weight=0.5, smoothing=0.0)
    assert loss.item() == pytest.approx(0.0, abs=1e-4)


def test_dice_agrees_with_monai():
    from monai.losses import DiceLoss

    random = torch.Generator().manual_seed(1)
    logits = torch.randn(2, 3, 7, 5, generator=random)
    labels = torch.randint(0, 3, (2, 7, 5), generator=random)
    ours = segmentation_loss(logits, labels, torch.ones(2, 7, 5), dice_weight=1.0, smoothing=0.0)
    theirs = DiceLoss(
        include_background=False, to_onehot_y=True, softmax=True, batch=True, smooth_nr=1e-5, smooth_dr=1e-5
    )(logits, labels[:, None])
    assert ours.item() == pytest.approx(theirs.item(), abs=1e-6)


def test_classification_loss_agrees_with_torch_smoothing():
    logits = torch.randn(5, 4, generator=torch.Generator().manual_seed(2))
    classes = torch.tensor([0, 1, 2, 3, 1])
    ours = classification_loss(logits, soft_targets(classes, 4, 0.1))
    theirs = torch.nn.functional.cross_entropy(logits, classes, label_smoothing=0.1)
    assert ours.item() == pytest.approx(theirs.item(), abs=1e-6)
