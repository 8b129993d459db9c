from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_medclf.domain.errors import BackendUnavailable
from napari_medclf.engine.nets.region_graph import RegionGraph, mean_by, neighbours, superpixels
from napari_medclf.engine.runtimes.export import export_onnx


def picture() -> np.ndarray:
    image = np.random.default_rng(0).normal(0, 0.02, (1, 20, 30)).astype(np.float32)
    image[:, :, 12:] += 1
    return image


def test_superpixels_keep_to_edges_and_are_numbered_without_a_gap():
    found = superpixels(picture(), 12, 0.1)
    assert sorted(np.unique(found)) == list(range(found.max() + 1))
    assert 6 <= found.max() + 1 <= 20
    assert not set(np.unique(found[:, :12])) & set(np.unique(found[:, 12:]))


def test_neighbours_are_the_regions_that_share_a_face():
    regions = torch.from_numpy(np.random.default_rng(1).integers(0, 5, (1, 4, 3, 5)))
    found = {tuple(pair) for pair in neighbours(regions).T.tolist()}
    expected = set()
    volume = regions[0].numpy()
    for place in np.ndindex(volume.shape):
        for axis in range(3):
            other = list(place)
            other[axis] += 1
            if other[axis] < volume.shape[axis] and volume[place] != volume[tuple(other)]:
                expected |= {(volume[place], volume[tuple(other)]), (volume[tuple(other)], volume[place])}
    assert found == expected


def test_images_of_a_batch_do_not_talk_to_each_other():
    regions = torch.tensor([[[0, 1]], [[2, 3]]])
    assert neighbours(regions).T.tolist() == [[0, 1], [1, 0], [2, 3], [3, 2]]


def test_a_round_is_the_same_with_a_matrix_of_neighbours():
    torch.manual_seed(0)
    one = RegionGraph(2, 1, 2, hidden=(6,), stem=(4,)).rounds[0]
    nodes, pairs = torch.rand(4, 11), torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])
    adjacency = torch.zeros(4, 4)
    adjacency[pairs[1], pairs[0]] = 1
    heard = adjacency @ nodes / adjacency.sum(1, keepdim=True).clamp_min(1)
    assert torch.allclose(one(nodes, pairs), torch.relu(one.norm(one.own(nodes) + one.heard(heard))), atol=1e-6)


def test_group_without_rows_has_a_mean_of_zero():
    found = mean_by(torch.tensor([[1.0], [3.0]]), torch.tensor([2, 2]), 4)
    assert found.flatten().tolist() == [0, 0, 2, 0]


def test_image_is_answered_alike_alone_and_in_a_batch():
    torch.manual_seed(0)
    network = RegionGraph(2, 1, 2, n_regions=12, stem=(4, 4), hidden=(8, 8)).eval()
    images = torch.rand(3, 1, 20, 30)
    alone = torch.cat([network(one[None]) for one in images])
    assert torch.allclose(network(images), alone, atol=1e-5)


@pytest.mark.parametrize("shape", [(2, 3, 20, 30), (2, 1, 8, 12, 10), (1, 1, 16, 16)])
def test_gradients_reach_every_weight(shape):
    network = RegionGraph(len(shape) - 2, shape[1], 2, n_regions=12, stem=(4, 4), hidden=(8, 8))
    network(torch.rand(shape)).square().sum().backward()
    assert all(one.grad is not None and one.grad.isfinite().all() for one in network.parameters())


def test_image_of_one_value_is_one_answer():
    network = RegionGraph(2, 1, 2).eval()
    assert network(torch.zeros(1, 1, 16, 16)).isfinite().all()


def test_network_is_not_frozen_to_the_regions_of_one_image():
    with pytest.raises(BackendUnavailable, match="regions of one image"):
        export_onnx(RegionGraph(2, 1, 2, n_regions=12).eval(), (1, 16, 16))
