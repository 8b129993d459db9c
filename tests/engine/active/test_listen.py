"""Listening changes no answer, and hears the same as an encoder that runs the network itself."""

import numpy as np
import torch
from torch import nn

from napari_medclf.engine.active.describe import describe_image
from napari_medclf.engine.active.listen import Ear


def _classifier():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2)).eval()


def test_input_of_the_last_linear_layer_is_heard_and_averaged_over_windows():
    network, images = _classifier(), torch.rand(3, 1, 8, 9)
    with torch.no_grad(), Ear().listening(network) as heard:
        answer = network(images[:2]), network(images[2:])
    expected = network[:4](images).mean(dim=0).detach().numpy()
    np.testing.assert_allclose(heard.values, expected, rtol=1e-5)
    assert torch.equal(torch.cat(answer), network(images))


def test_second_image_is_heard_alone_and_like_the_first():
    network, images, ear = _classifier(), torch.rand(2, 1, 8, 9), Ear()
    found = []
    for image in images:
        with torch.no_grad(), ear.listening(network) as heard:
            network(image[None])
        found.append(heard.values)
    np.testing.assert_allclose(found, network[:4](images).detach().numpy(), rtol=1e-5)


def test_no_window_runs_twice():
    network, n_runs = _classifier(), []
    network[0].register_forward_hook(lambda *_: n_runs.append(1))
    with torch.no_grad(), Ear().listening(network):
        network(torch.rand(1, 1, 8, 9))
    assert len(n_runs) == 1


def test_network_without_such_a_layer_answers_and_is_not_heard():
    network, ear = nn.Sequential(nn.Conv1d(1, 2, 3)), Ear()
    for _ in range(2):
        with torch.no_grad(), ear.listening(network) as heard:
            network(torch.rand(1, 1, 8))
        assert heard.values is None


def test_nothing_listens_afterwards():
    network = _classifier()
    with Ear().listening(network):
        network(torch.rand(1, 1, 8, 9))
        network(torch.rand(1, 1, 8, 9))
    assert not any(layer._forward_hooks or layer._forward_pre_hooks for layer in network.modules())


def test_what_is_no_module_is_not_heard():
    with Ear().listening(lambda windows: windows) as heard:
        pass
    assert heard.values is None


def test_bottom_of_a_unet_is_heard():
    class Small(nn.Module):
        def __init__(self):
            super().__init__()
            self.down, self.bottom, self.top = nn.Conv2d(1, 3, 3, 2, 1), nn.Conv2d(3, 5, 3, 2, 1), nn.Conv2d(1, 2, 1)

        def forward(self, x):
            self.bottom(self.down(x))
            return self.top(x)

    network = Small().eval()
    with torch.no_grad(), Ear().listening(network) as heard:
        network(torch.rand(2, 1, 8, 8))
    assert heard.values.shape == (10,), "mean and maximum of five channels"


def test_images_of_any_size_have_descriptions_of_one_length_and_alike_ones_are_near():
    rng = np.random.default_rng(0)
    dark, bright = rng.normal(10, 1, (1, 20, 30)), rng.normal(200, 30, (1, 40, 24))
    again = rng.normal(10, 1, (1, 21, 33))
    described = [describe_image(one.astype(np.float32)) for one in (dark, bright, again)]
    assert len({one.shape for one in described}) == 1
    assert np.linalg.norm(described[0] - described[2]) < np.linalg.norm(described[0] - described[1])
    assert np.isfinite(describe_image(np.zeros((3, 1, 5, 5), np.uint8))).all()
