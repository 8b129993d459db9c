from __future__ import annotations

import pytest
import torch

from napari_medclf.engine.nets.vgg import VGG


def test_vgg_11_has_the_papers_convolutions():
    with torch.device("meta"):
        network = VGG(2, 3, 10)
    weights = [one.weight for one in network.modules() if isinstance(one, torch.nn.Conv2d)]
    # Simonyan 2015, table 1, column A: 8 convolutions, here without their biases.
    assert [len(weight) for weight in weights] == [64, 128, 256, 256, 512, 512, 512, 512]
    assert sum(weight.numel() for weight in weights) == 9_217_728


@pytest.mark.parametrize("shape", [(2, 1, 28, 45), (2, 1, 9, 28, 17)])
def test_any_size_is_taken(shape):
    network = VGG(len(shape) - 2, 1, 3, channels=(4, 8, 8), convolutions=(1, 1, 2))
    assert network(torch.rand(shape)).shape == (2, 3)


def test_stages_must_agree():
    with pytest.raises(ValueError, match="2 stages have channels, and 1 have"):
        VGG(2, 1, 3, channels=(4, 8), convolutions=(1,))
