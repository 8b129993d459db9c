from __future__ import annotations

import numpy as np
import torch
from sklearn.utils.class_weight import compute_class_weight

from napari_medclf.engine.train.losses.targets import balanced_positive_weights, balanced_weights, label_counts


def test_balanced_weights_are_those_of_sklearn():
    classes = np.repeat([0, 1, 2], [50, 7, 3])
    expected = compute_class_weight("balanced", classes=np.arange(3), y=classes)
    np.testing.assert_allclose(balanced_weights(torch.tensor([50, 7, 3])).numpy(), expected, rtol=1e-6)


def test_positive_cases_weigh_as_much_as_negative_ones():
    targets = torch.tensor([[1.0, 0], [0, 0], [0, 1], [0, 1]])
    assert balanced_positive_weights(targets).tolist() == [3.0, 1.0]


def test_class_that_never_comes_has_a_finite_weight():
    assert balanced_weights(torch.tensor([5, 0])).isfinite().all()
    assert balanced_positive_weights(torch.zeros(4, 1)).isfinite().all()


def test_voxels_are_counted_over_all_maps():
    maps = [torch.tensor([[0, 1], [1, 2]]), torch.tensor([[0, 0, 0]])]
    assert label_counts(maps, 4).tolist() == [4, 2, 1, 0]
