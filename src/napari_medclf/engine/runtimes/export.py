"""Convert a torch network to ONNX, which other runtimes read."""

from __future__ import annotations

import io
import warnings

import torch
from torch import Tensor, nn

from napari_medclf.domain.errors import BackendUnavailable

# 18 has group normalisation by instance normalisation, and every resize mode of torch's.
_OPSET = 18


def export_onnx(network: nn.Module, shape: tuple[int, ...]) -> bytes:
    """Convert a network for inputs (N, C, *spatial) of one shape, and any N.

    Parameters
    ----------
    network : nn.Module
        On the CPU, in evaluation mode. Of several outputs the first is kept.
    shape : (C, *spatial)
        Without the batch axis.

    Raises
    ------
    BackendUnavailable
        If the network has something that ONNX cannot say.
    """
    target = io.BytesIO()
    example = torch.zeros((1, *shape))
    try:
        with torch.inference_mode(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of sizes that become constant: they are
            torch.onnx.export(
                _FirstOutput(network).eval(),
                (example,),
                target,  # type: ignore[arg-type]  # torch 2.13 takes an open file as well as a path
                input_names=["input"],
                output_names=["output"],
                dynamic_axes={"input": {0: "batch"}, "output": {0: "batch"}},
                opset_version=_OPSET,
                dynamo=False,  # the newer exporter needs another package and takes far longer
            )
    except Exception as error:
        reason = " ".join(str(error).split())[:200]
        raise BackendUnavailable(
            f"The network cannot be converted to ONNX ({type(error).__name__}: {reason}). Choose the runtime 'torch'."
        ) from error
    return target.getvalue()


class _FirstOutput(nn.Module):
    """A network that gives its answer and nothing beside it."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, inputs: Tensor) -> Tensor:
        """Return logits."""
        answer = self.network(inputs)
        first: Tensor = answer[0] if isinstance(answer, (tuple, list)) else answer
        return first
