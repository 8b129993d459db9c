from __future__ import annotations

import pytest
import torch

from napari_medclf.engine.nets.convnext import ConvNeXt
from napari_medclf.engine.networks import count_parameters


def test_convnext_t_has_the_papers_number_of_parameters():
    with torch.device("meta"):
        network = ConvNeXt(2, 3, 1000)
    assert count_parameters(network) == 28_589_128  # Liu 2022, table 9: 28.6 M


@pytest.mark.parametrize("shape", [(2, 1, 28, 45), (2, 1, 9, 28, 17)])
def test_any_size_is_taken(shape):
    network = ConvNeXt(len(shape) - 2, 1, 3, channels=(4, 8), blocks=(1, 2), patch=2, kernel=5)
    assert network(torch.rand(shape)).shape == (2, 3)


def test_block_without_scale_lets_everything_pass():
    block = ConvNeXt(2, 1, 3, channels=(4,), blocks=(1,), layer_scale=0.0).stages[0][0]
    x = torch.rand(1, 4, 9, 12)
    assert torch.equal(block(x), x)


def test_channels_of_each_voxel_are_normalised_by_themselves():
    norm = ConvNeXt(3, 1, 3, channels=(6,), blocks=(1,)).stem[1]
    found = norm(torch.rand(2, 6, 3, 4, 5) * 7)
    assert torch.allclose(found.mean(1), torch.zeros(2, 3, 4, 5), atol=1e-5)
    assert torch.allclose(found.var(1, unbiased=False), torch.ones(2, 3, 4, 5), atol=1e-3)


@pytest.mark.parametrize(("wrong", "said"), [({"blocks": (1,)}, "2 stages"), ({"kernel": 4}, "no middle")])
def test_wrong_shape_is_refused(wrong, said):
    with pytest.raises(ValueError, match=said):
        ConvNeXt(2, 1, 3, **({"channels": (4, 8), "blocks": (1, 1)} | wrong))
