from __future__ import annotations

import pytest
import torch
import torch.distributed as dist
from torch import nn

from napari_medclf.engine.train.shared_norm import share_batch_norms


@pytest.fixture
def alone(tmp_path):
    """A group of one process."""
    dist.init_process_group("gloo", init_method=f"file://{tmp_path}/group", rank=0, world_size=1)
    yield
    dist.destroy_process_group()


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize("kind", [nn.BatchNorm2d, nn.BatchNorm3d])
def test_one_process_normalises_as_torch_does(kind):
    torch.manual_seed(0)
    theirs, ours = nn.Sequential(kind(3)), nn.Sequential(kind(3))
    for norm in (theirs[0], ours[0]):
        nn.init.constant_(norm.weight, 1.5)
    share_batch_norms(ours)
    assert type(ours[0]) is not kind
    for _ in range(2):
        samples = 3 + 2 * torch.randn((4, 3, 5, 6) if kind is nn.BatchNorm2d else (4, 3, 5, 6, 2))
        gradients = []
        for network in (theirs, ours):
            leaf = samples.clone().requires_grad_()
            (network(leaf) ** 3).sum().backward()
            gradients.append(leaf.grad)
        torch.testing.assert_close(*gradients, atol=1e-3, rtol=1e-4)
    for name, value in theirs.state_dict().items():
        torch.testing.assert_close(ours.state_dict()[name], value, atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(theirs.eval()(samples), ours.eval()(samples))
