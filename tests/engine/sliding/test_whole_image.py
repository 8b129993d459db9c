"""Classifiers see the whole image, slice by slice where they are flat."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_medclf.domain.errors import CardError
from napari_medclf.engine.sliding.whole_image import run_whole
from napari_medclf.engine.sliding.window import Window
from napari_medclf.jobs.drive import drive
from napari_medclf.testing.phantoms import fingerprint_input

_CPU = torch.device("cpu")


class _Moments(torch.nn.Module):
    """Returns the sum of an image, and a sum that changes when it is flipped."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.shape = tuple(x.shape)
        ramp = torch.arange(x.shape[-1], dtype=x.dtype)
        return torch.stack([x.flatten(1).sum(1), (x * ramp).flatten(1).sum(1)], dim=1)


def _run(data: np.ndarray, network: torch.nn.Module, window: Window) -> np.ndarray:
    outcome = drive(run_whole(data, network, window, _CPU))
    assert outcome.error is None
    return outcome.result


def test_flat_network_answers_for_every_slice() -> None:
    data = fingerprint_input((5, 6, 7), 2)
    found = _run(data, _Moments(), Window((6, 7), batch=2))
    assert found.shape == (2, 5)
    np.testing.assert_allclose(found[0], data.sum(axis=(0, 2, 3)), atol=1e-4)


def test_volume_network_answers_once() -> None:
    network = _Moments()
    found = _run(fingerprint_input((5, 6, 7), 1), network, Window((5, 6, 7), divisible_by=4))
    assert found.shape == (2, 1)
    assert network.shape == (1, 1, 8, 8, 8)


def test_flips_are_averaged() -> None:
    data = fingerprint_input((1, 4, 9), 1)
    found = _run(data, _Moments(), Window((4, 9), mirror_axes=(1,)))
    ramp = np.arange(9)
    assert found[1, 0] == pytest.approx(((data * ramp).sum() + (data * ramp[::-1]).sum()) / 2, rel=1e-4)


def test_network_without_scores_is_refused() -> None:
    job = run_whole(fingerprint_input((1, 8, 8), 1), torch.nn.Identity(), Window((8, 8)), _CPU)
    with pytest.raises(CardError, match=r"shape \(1, 1, 8, 8\), not scores"):
        list(job)
