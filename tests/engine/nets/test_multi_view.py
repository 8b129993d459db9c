from __future__ import annotations

import pytest
import torch

from napari_medclf.engine.nets.multi_view import MultiView

_SMALL = {"channels": (4, 4, 6, 8), "size": 16}


def test_turned_volume_gives_the_same_views_in_another_order():
    torch.manual_seed(0)
    network = MultiView(1, 2, **_SMALL).eval()
    volume = torch.rand(1, 1, 12, 12, 12)
    views = [network._see(volume, axis) for axis in (2, 3, 4)]
    turned = [network._see(volume.permute(0, 1, 3, 4, 2), axis) for axis in (2, 3, 4)]  # what was k is now i
    assert torch.allclose(turned[2], views[0], atol=1e-5)
    assert not torch.allclose(views[0], views[1], atol=1e-5)


def test_slices_come_from_the_middle_half_with_their_neighbours():
    network = MultiView(1, 2, n_slices=3, neighbours=1, **_SMALL)
    depth = torch.arange(16.0).view(1, 16, 1, 1, 1).expand(1, 16, 1, 5, 7)
    found = network._slices(depth)
    assert found.shape == (1, 3, 3, 16, 16)
    assert found[0, :, :, 0, 0].tolist() == [[5, 6, 7], [7, 8, 9], [9, 10, 11]]


@pytest.mark.parametrize("pooling", ["max", "mean"])
def test_volumes_of_any_shape_are_taken(pooling):
    network = MultiView(2, 3, pooling=pooling, **_SMALL)
    assert network(torch.rand(2, 2, 5, 28, 17)).shape == (2, 3)


def test_unknown_pooling_is_refused():
    with pytest.raises(ValueError, match="max or mean"):
        MultiView(1, 2, pooling="median")
