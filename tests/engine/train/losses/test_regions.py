from __future__ import annotations

import pytest
import torch

from napari_medclf.domain.recipe import LossSettings
from napari_medclf.engine.train.losses.regions import region_loss
from napari_medclf.engine.train.losses.targets import one_hot_map

RANDOM = torch.Generator().manual_seed(1)
LOGITS = torch.randn(2, 3, 7, 5, 4, generator=RANDOM)
LABELS = torch.randint(0, 3, (2, 7, 5, 4), generator=RANDOM)
SAME = {"include_background": False, "to_onehot_y": True, "softmax": True, "batch": True}


def ours(settings: LossSettings) -> float:
    return region_loss(LOGITS.softmax(1), one_hot_map(LABELS, 3), torch.ones(LABELS.shape), settings).item()


def test_dice_agrees_with_monai():
    from monai.losses import DiceLoss

    theirs = DiceLoss(**SAME, smooth_nr=1e-5, smooth_dr=1e-5)(LOGITS, LABELS[:, None])
    assert ours(LossSettings(region="dice")) == pytest.approx(theirs.item(), abs=1e-6)


@pytest.mark.parametrize(("alpha", "beta"), [(0.3, 0.7), (0.5, 0.5), (1.0, 0.2)])
def test_tversky_agrees_with_monai(alpha, beta):
    from monai.losses import TverskyLoss

    theirs = TverskyLoss(**SAME, alpha=alpha, beta=beta)(LOGITS, LABELS[:, None])
    settings = LossSettings(region="tversky", tversky_alpha=alpha, tversky_beta=beta)
    assert ours(settings) == pytest.approx(theirs.item(), abs=1e-6)


def test_focal_tversky_is_the_power_of_each_class():
    from monai.losses import TverskyLoss

    by_class = TverskyLoss(**SAME, alpha=0.3, beta=0.7, reduction="none")(LOGITS, LABELS[:, None])
    assert ours(LossSettings(region="focal_tversky")) == pytest.approx((by_class**0.75).mean().item(), abs=1e-6)


def test_tversky_with_halves_is_dice():
    halves = LossSettings(region="tversky", tversky_alpha=0.5, tversky_beta=0.5)
    assert ours(halves) == pytest.approx(ours(LossSettings(region="dice")), abs=1e-6)
