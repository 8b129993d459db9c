"""HoVerNet over a window, against MONAI's own inferer for it."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from napari_medclf.engine.nets.hover_windows import HoverWindows


class _Middle(nn.Module):
    """Stands in for HoVerNet: answers for the middle 164 of 256 pixels, from what lies up to 46 pixels around."""

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        assert x.shape[2:] == (256, 256)
        wide = nn.functional.avg_pool2d(x, 93, stride=1)
        return {"nucleus_prediction": wide[:, :2] * 3, "horizontal_vertical": wide[:, 1:] - 1}


def _theirs(x: Tensor) -> dict[str, Tensor]:
    from monai.apps.pathology.inferers import SlidingWindowHoVerNetInferer

    inferer = SlidingWindowHoVerNetInferer(
        roi_size=256, sw_batch_size=2, overlap=1 - 164 / 256, padding_mode="constant", extra_input_padding=(46,) * 4
    )
    return inferer(x, _Middle())  # type: ignore[return-value]  # a dict, as the network's answer


def test_answers_are_those_of_monais_inferer() -> None:
    x = torch.rand(1, 3, 300, 410)
    theirs = _theirs(x)
    ours = HoverWindows(_Middle(), "fast", is_transposed=False)(x)
    assert ours.shape == (1, 4, 300, 410)
    assert torch.allclose(ours[:, :2], theirs["nucleus_prediction"], atol=1e-4)
    assert torch.allclose(ours[:, 2:], theirs["horizontal_vertical"], atol=1e-4)


def test_maps_change_places_where_columns_come_first() -> None:
    x = torch.rand(1, 3, 180, 90)
    straight = HoverWindows(_Middle(), "fast", is_transposed=False)(x)
    turned = HoverWindows(_Middle(), "fast", is_transposed=True)(x)
    assert torch.equal(turned[:, 2], straight[:, 3])
    assert torch.equal(turned[:, :2], straight[:, :2])


@pytest.mark.slow
def test_monais_network_fits_in_both_modes() -> None:
    from napari_medclf.domain.card import NetworkSpec
    from napari_medclf.engine.networks import build_network

    for mode, size in (("original", 80), ("fast", 164)):
        spec = NetworkSpec(target="monai.networks.nets.HoVerNet", arguments={"mode": mode, "out_classes": 5})
        network = HoverWindows(build_network(spec).eval(), mode, is_transposed=True)
        with torch.inference_mode():
            assert network(torch.rand(1, 3, size, size)).shape == (1, 4, size, size)
