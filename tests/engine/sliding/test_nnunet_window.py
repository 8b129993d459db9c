"""Where nnU-Net lays its windows, against numbers that nnunetv2 2.8.1 gave."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_medclf.engine.sliding.nnunet_window import nnunet_starts, nnunet_weight


@pytest.mark.parametrize(
    ("n", "size", "overlap", "starts"),
    [
        (64, 64, 0.5, [0]),
        (65, 64, 0.5, [0, 1]),
        (110, 64, 0.5, [0, 23, 46]),
        (97, 40, 0.5, [0, 19, 38, 57]),
        (21, 8, 0.5, [0, 3, 6, 10, 13]),  # a half is rounded to even
        (50, 16, 0.25, [0, 11, 23, 34]),
    ],
)
def test_windows_start_as_in_nnunet(n: int, size: int, overlap: float, starts: list[int]) -> None:
    assert nnunet_starts(n, size, overlap) == starts


def test_weight_is_the_one_of_nnunet() -> None:
    weight = nnunet_weight((4, 6, 10))
    assert weight.dtype == torch.float16
    assert weight[2, 3, 5] == 10
    assert weight[0].flatten()[0].item() == pytest.approx(5.96e-8, rel=1e-2)
    assert float(weight.float().sum()) == pytest.approx(74.8424, rel=1e-5)


def test_no_weight_is_nothing() -> None:
    weight = nnunet_weight((64, 96, 160)).float().numpy()
    assert weight.min() > 0
    assert np.count_nonzero(weight == weight.min()) > 1000


def test_two_dimensional_windows_have_two_dimensional_weights() -> None:
    flat = nnunet_weight((1, 24, 40))
    assert flat.shape == (1, 24, 40)
    assert flat[0, 12, 20] == 10
