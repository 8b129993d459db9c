"""Networks become ONNX for one window shape and any batch; what ONNX cannot say is a sentence."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from napari_medclf.domain.card import NetworkSpec
from napari_medclf.domain.errors import BackendUnavailable
from napari_medclf.engine.networks import build_network
from napari_medclf.engine.runtimes.export import export_onnx
from napari_medclf.engine.runtimes.onnx_session import run_with_onnxruntime
from napari_medclf.engine.runtimes.versions import has_package

pytestmark = pytest.mark.skipif(not has_package("onnx", "onnxruntime"), reason="the extra onnx is not installed")


class Several(nn.Module):
    """Gives auxiliary answers, too."""

    def forward(self, inputs: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return inputs * 2, inputs * 3


class Unsayable(nn.Module):
    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return torch.linalg.eigvals(inputs).real


@pytest.mark.parametrize("norm", ["instance", "batch", ["group", {"num_groups": 2}]])
@pytest.mark.parametrize("shape", [(1, 16, 24), (1, 8, 16, 12)])
def test_converted_unet_answers_as_torch_does(norm: object, shape: tuple[int, ...]) -> None:
    arguments = {
        "spatial_dims": len(shape) - 1, "in_channels": 1, "out_channels": 2, "channels": [4, 6, 8],
        "strides": [2, 2], "num_res_units": 1, "norm": norm,
    }  # fmt: skip
    torch.manual_seed(0)
    network = build_network(NetworkSpec(target="monai.networks.nets.UNet", arguments=arguments)).eval()
    run = run_with_onnxruntime(export_onnx(network, shape))
    for n in (1, 3):
        inputs = torch.randn(n, *shape)
        with torch.inference_mode():
            torch.testing.assert_close(torch.from_numpy(run(inputs.numpy())), network(inputs), atol=1e-4, rtol=1e-4)


def test_first_answer_is_kept() -> None:
    run = run_with_onnxruntime(export_onnx(Several(), (1, 4, 4)))
    inputs = torch.randn(2, 1, 4, 4)
    assert torch.equal(torch.from_numpy(run(inputs.numpy())), inputs * 2)


def test_what_onnx_cannot_say_is_a_sentence() -> None:
    with pytest.raises(BackendUnavailable, match="cannot be converted to ONNX .* Choose the runtime 'torch'"):
        export_onnx(Unsayable(), (1, 4, 4))
