from __future__ import annotations

import torch

from napari_medclf.engine.nets.efficientnet import EfficientNet


def test_first_answers_are_unsure():
    torch.manual_seed(0)
    network = EfficientNet(2, 1, 2)
    with torch.no_grad():
        logits = network(torch.rand(8, 1, 64, 64))
    assert logits.shape == (8, 2)
    assert logits.abs().max() < 3


def test_weights_are_monais():
    from monai.networks.nets import EfficientNetBN

    theirs = EfficientNetBN("efficientnet-b0", pretrained=False, spatial_dims=2, in_channels=1, num_classes=2)
    ours = EfficientNet(2, 1, 2)
    ours.network.load_state_dict(theirs.state_dict())
    x = torch.rand(1, 1, 64, 64)
    torch.testing.assert_close(ours.eval()(x), theirs.eval()(x))
