"""Only air is left out, and the body's logits are those of a run without leaving anything out."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_medclf.engine.sliding.air import find_body, wants_window
from napari_medclf.engine.sliding.slide import slide
from napari_medclf.engine.sliding.streaming import Streaming
from napari_medclf.engine.sliding.window import Window
from napari_medclf.jobs.drive import drive

_SHAPE = (24, 40, 44)


class _Sink:
    def __init__(self) -> None:
        self.logits = np.full((3, *_SHAPE), np.nan, dtype=np.float32)

    def take(self, start: int, logits: np.ndarray) -> None:
        self.logits[:, start : start + logits.shape[1]] = logits


def _trunk() -> np.ndarray:
    ct = np.full(_SHAPE, -1000, dtype=np.float32)
    ct[2:22, 12:26, 10:30] = 40
    ct[5:18, 15:22, 13:20] = -850  # a lung
    return ct


def test_lung_belongs_to_the_body_and_air_does_not() -> None:
    body = find_body(_trunk() > -300, 27.0)
    assert body is not None
    assert body[10, 18, 16]
    assert not body[10, 5, 5]
    assert not body[10, 18, 40]


def test_small_specks_do_not_count_and_an_arm_does() -> None:
    ct = _trunk()
    ct[10, 36, 40] = 500
    assert not find_body(ct > -300, 27.0)[10, 36, 40]
    ct[4:20, 34:38, 36:40] = 30
    assert find_body(ct > -300, 27.0)[10, 36, 38]


def test_nothing_but_air_is_not_known() -> None:
    assert find_body(np.full(_SHAPE, -1000.0) > -300, 27.0) is None


@pytest.mark.parametrize("overlap", [0.0, 0.3, 0.6])
def test_no_window_with_a_voxel_of_the_body_is_left_out(overlap: float) -> None:
    draw = np.random.default_rng(2)
    window = Window((6, 8, 10), overlap=overlap)
    for _ in range(200):
        body = np.zeros(_SHAPE, dtype=bool)
        body[tuple(draw.integers(0, n) for n in _SHAPE)] = True
        corner = tuple(int(draw.integers(-3, n - 2)) for n in _SHAPE)
        box = tuple(slice(max(c, 0), c + n) for c, n in zip(corner, window.tile, strict=True))
        assert wants_window(body, window, corner) or not body[box].any()


def test_body_keeps_its_logits_to_the_bit() -> None:
    ct, window = _trunk(), Window((8, 8, 8), overlap=0.5, batch=1)
    torch.manual_seed(1)
    network = torch.nn.Conv3d(1, 3, 3, padding=1).eval()
    body = find_body(ct > -300, 27.0)
    assert body is not None
    device, data = torch.device("cpu"), ct[None] / 1000
    background = np.array([20, -20, -20], dtype=np.float32)
    n_asked = 0

    def is_wanted(corner: tuple[int, int, int]) -> bool:
        nonlocal n_asked
        n_asked += wants_window(body, window, corner)
        return wants_window(body, window, corner)

    found, whole = _Sink(), _Sink()
    skipping = Streaming(0, is_wanted=is_wanted, background=background)
    assert drive(slide(data, network, window, device, found, skipping)).error is None
    assert drive(slide(data, network, window, device, whole, Streaming(0))).error is None
    assert np.array_equal(found.logits[:, body], whole.logits[:, body])
    n_background = np.count_nonzero(found.logits[0] == 20)
    assert n_background > 0
    assert n_asked < 5 * 9 * 10
