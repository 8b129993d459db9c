"""The loss of boxes equals independent ones, and an answer that is right costs nearly nothing."""

from __future__ import annotations

import pytest
import torch

from napari_medclf.engine.train.losses.boxes import detection_loss, focal_loss, generalised_iou


def _boxes(n: int, seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    low = torch.rand(n, 3, generator=generator) * 20
    return torch.cat([low, low + 1 + torch.rand(n, 3, generator=generator) * 10], 1)


def test_giou_equals_monais() -> None:
    from monai.losses import BoxGIoULoss

    ours, theirs = _boxes(30, 0), _boxes(30, 1)
    expected = float(BoxGIoULoss(reduction="mean")(ours, theirs))
    assert (1 - generalised_iou(ours, theirs)).mean().item() == pytest.approx(expected, abs=1e-6)


def test_focal_loss_equals_monais() -> None:
    from monai.losses import FocalLoss

    generator = torch.Generator().manual_seed(2)
    logits = torch.randn(6, 4, generator=generator) * 3
    truth = (torch.rand(6, 4, generator=generator) > 0.7).float()
    expected = FocalLoss(gamma=2.0, alpha=0.25, reduction="mean")(logits[..., None], truth[..., None])
    assert focal_loss(logits, truth, 2.0).mean().item() == pytest.approx(float(expected), abs=1e-6)


def test_right_answer_costs_less_than_a_wrong_class_or_a_wrong_box() -> None:
    truth = torch.tensor([[2.0, 2.0, 10.0, 12.0]])
    target = [{"boxes": truth, "classes": torch.tensor([1])}]

    def loss(logits: list[float], box: list[float]) -> float:
        rows = torch.tensor([[[*logits, *box], [-8.0, -8.0, 20.0, 20.0, 30.0, 30.0]]])
        return float(detection_loss(rows, target, lambda _: torch.tensor([0, -1]), 2, 2.0))

    right = loss([-8.0, 8.0], truth[0].tolist())
    assert right < 1e-3
    assert loss([8.0, -8.0], truth[0].tolist()) > 1
    assert loss([-8.0, 8.0], [12.0, 14.0, 20.0, 24.0]) > 1


def test_image_without_objects_costs_what_is_said_there() -> None:
    rows = torch.tensor([[[-8.0, 0.0, 0.0, 4.0, 4.0], [2.0, 0.0, 0.0, 4.0, 4.0]]], requires_grad=True)
    empty = [{"boxes": torch.zeros(0, 4), "classes": torch.zeros(0, dtype=torch.long)}]
    loss = detection_loss(rows, empty, lambda _: pytest.fail("there is nothing to match"), 1, 2.0)
    loss.backward()
    assert loss.item() > 1
    assert rows.grad is not None
