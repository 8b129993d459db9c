from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score
from tiny_trainings import finish, segment_recipe, square_cases

from napari_medclf.engine.train.validate import score_classifier, score_segmenter


def test_auc_agrees_with_sklearn_with_ties():
    random = torch.Generator().manual_seed(0)
    logits = torch.randint(0, 4, (60, 3), generator=random).float()
    classes = torch.randint(0, 3, (60,), generator=random)
    expected = roc_auc_score(classes.numpy(), logits.softmax(1).numpy(), multi_class="ovr")
    assert score_classifier(logits, classes)["val/auc"] == pytest.approx(expected)


def test_one_class_alone_has_no_auc():
    values = score_classifier(torch.zeros(5, 2), torch.zeros(5, dtype=torch.long))
    assert "val/auc" not in values
    assert values["val/accuracy"] == 1.0


class Threshold(torch.nn.Module):
    """Says square wherever the image is bright."""

    def forward(self, images):
        return torch.cat([0.5 - images, images - 0.5], dim=1) * 100


def test_dice_of_a_perfect_rule_is_one():
    values, _ = finish(score_segmenter(Threshold(), square_cases(3), segment_recipe(), ["square"], "cpu"))
    assert values["val/dice/square"] == pytest.approx(1.0)


def test_class_that_is_nowhere_does_not_count():
    cases = square_cases(2)
    empty = square_cases(1, first=9)[0]
    empty.sample.target[:] = 0
    empty.sample.image[:] = np.float32(0)
    values, _ = finish(score_segmenter(Threshold(), [*cases, empty], segment_recipe(), ["square"], "cpu"))
    assert values["val/dice"] == pytest.approx(1.0)
