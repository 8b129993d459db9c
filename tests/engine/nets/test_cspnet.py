from __future__ import annotations

import pytest
import torch

from napari_medclf.engine.nets.cspnet import CSPNet


@pytest.mark.parametrize("shape", [(2, 1, 28, 45), (2, 1, 9, 28, 17)])
def test_any_size_is_taken(shape):
    assert CSPNet(len(shape) - 2, 1, 3, channels=(4, 8, 8), blocks=(1, 2, 1))(torch.rand(shape)).shape == (2, 3)


def test_half_of_a_stage_goes_past_its_blocks():
    torch.manual_seed(0)
    stage = CSPNet(2, 1, 3, channels=(8, 12), blocks=(1, 2)).stages[1].eval()
    with torch.no_grad():
        stage.out_of[0].weight.zero_()  # nothing comes out of the blocks
        x = torch.rand(1, 8, 12, 10)
        seen = stage.join(torch.cat((stage.past(stage.down(x)), torch.zeros(1, 6, 6, 5)), 1))
        assert torch.allclose(stage(x), seen)
        assert stage(x).std() > 0


def test_blocks_see_half_of_the_channels():
    stage = CSPNet(2, 1, 3, channels=(8, 12), blocks=(1, 2)).stages[1]
    assert {one.in_channels for one in stage.blocks.modules() if isinstance(one, torch.nn.Conv2d)} == {6}


def test_stages_must_agree():
    with pytest.raises(ValueError, match="2 stages have channels, and 1 have"):
        CSPNet(2, 1, 3, channels=(4, 8), blocks=(1,))
