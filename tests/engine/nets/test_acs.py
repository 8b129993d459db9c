from __future__ import annotations

import torch
from torch.nn.functional import conv3d

from napari_medclf.engine.nets.acs import ACSConv, ACSResNet, view_shares
from napari_medclf.engine.nets.resnet import ResNet


def test_a_third_of_the_kernels_lies_in_each_plane():
    torch.manual_seed(0)
    conv = ACSConv(2, 7, 3, padding=1, stride=2)
    x = torch.rand(1, 2, 6, 9, 11)
    a, c, s = torch.split(conv.weight, (2, 2, 3))
    b = torch.split(conv.bias, (2, 2, 3))
    expected = torch.cat(
        [
            conv3d(x, a[:, :, None], b[0], 2, (0, 1, 1)),
            conv3d(x, c[:, :, :, None], b[1], 2, (1, 0, 1)),
            conv3d(x, s[:, :, :, :, None], b[2], 2, (1, 1, 0)),
        ],
        1,
    )
    assert torch.allclose(conv(x), expected, atol=1e-6)


def test_every_channel_belongs_to_one_plane():
    assert [sum(view_shares(n)) for n in range(1, 20)] == list(range(1, 20))


def test_weights_of_the_flat_network_fit_by_name_and_shape():
    arguments = {"layers": (1, 1, 1, 1), "block_inplanes": (4, 6, 8, 8)}
    flat = ResNet("basic", spatial_dims=2, n_input_channels=1, num_classes=2, conv1_t_size=3, **arguments)
    deep = ACSResNet(1, 2, layers=(1, 1, 1, 1), channels=(4, 6, 8, 8))
    deep.network.load_state_dict(flat.state_dict())
    assert deep(torch.rand(2, 1, 9, 12, 16)).shape == (2, 2)


def test_volume_of_equal_slices_is_seen_as_the_slice_by_the_axial_third():
    torch.manual_seed(1)
    conv = ACSConv(1, 6, 3, padding=1, bias=False)
    picture = torch.rand(1, 1, 8, 10)
    flat = torch.nn.functional.conv2d(picture, conv.weight[:2], padding=1)
    deep = conv(picture[:, :, None].expand(1, 1, 5, 8, 10))[:, :2]
    assert torch.allclose(deep, flat[:, :, None].expand_as(deep), atol=1e-6)
