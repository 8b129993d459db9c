"""What was asked before is not asked again, and an answer of another shape is refused."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_medclf.domain.errors import CardError
from napari_medclf.domain.geometry import Shape3
from napari_medclf.engine.sliding.asker import Asker
from napari_medclf.engine.sliding.padded import PaddedImage
from napari_medclf.engine.sliding.streaming import Streaming
from napari_medclf.engine.sliding.window import Window

_CPU = torch.device("cpu")
_WINDOW = Window((2, 3, 4))


def _asker(network: object, streaming: Streaming) -> Asker:
    data = np.arange(4 * 6 * 8, dtype=np.float32).reshape(1, 4, 6, 8)
    image = PaddedImage(data, _WINDOW.tile, _CPU)
    return Asker(image, network, _WINDOW, _CPU, streaming, lambda logits: _CPU)  # type: ignore[arg-type]


def test_known_answers_are_taken_out_and_new_ones_kept() -> None:
    n_asked: list[int] = []

    def network(inputs: torch.Tensor) -> torch.Tensor:
        n_asked.append(len(inputs))
        return -inputs

    known: dict[Shape3, torch.Tensor] = {(0, 0, 0): torch.full((1, 2, 3, 4), 7.0)}
    keep: dict[Shape3, torch.Tensor] = {}
    first, second = _asker(network, Streaming(known=known, keep=keep)).ask([(0, 0, 0), (2, 3, 4)])
    assert n_asked == [1]
    assert (first == 7).all()
    assert float(second[0, 0, 0, 0]) == -(2 * 48 + 3 * 8 + 4)
    assert known == {}
    assert set(keep) == {(0, 0, 0), (2, 3, 4)}


def test_answer_of_another_shape_is_refused() -> None:
    with pytest.raises(CardError, match=r"returned \(1, 3, 4\) voxels for a patch of \(2, 3, 4\)"):
        _asker(lambda inputs: inputs[:, :, :1], Streaming()).ask([(0, 0, 0)])
