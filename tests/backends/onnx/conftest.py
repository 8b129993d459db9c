"""Small ONNX files, made by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="the extra 'onnx' is not installed")
pytest.importorskip("onnxruntime", reason="the extra 'onnx' is not installed")


@pytest.fixture
def write_onnx(tmp_path: Path) -> Any:
    """Give a function that writes nodes, weights and the shapes of inputs and outputs to a file."""
    from onnx import TensorProto, helper, numpy_helper

    def write(
        nodes: list[Any],
        weights: dict[str, Any],
        inputs: dict[str, list[Any]],
        outputs: dict[str, list[Any]],
        *,
        name: str = "model.onnx",
        kind: int = TensorProto.FLOAT,
        output_kind: int = TensorProto.FLOAT,
        domains: tuple[str, ...] = (),
    ) -> Path:
        graph = helper.make_graph(
            nodes,
            "network",
            [helper.make_tensor_value_info(key, kind, shape) for key, shape in inputs.items()],
            [helper.make_tensor_value_info(key, output_kind, shape) for key, shape in outputs.items()],
            [numpy_helper.from_array(np.asarray(value), key) for key, value in weights.items()],
        )
        opsets = [helper.make_opsetid("", 18), *(helper.make_opsetid(domain, 1) for domain in domains)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=10)
        onnx.save(model, str(tmp_path / name))
        return tmp_path / name

    return write


@pytest.fixture
def mix() -> Any:
    """Weights of a convolution of one pixel: two channels in, three out."""
    return np.random.default_rng(3).standard_normal((3, 2, 1, 1)).astype(np.float32)
