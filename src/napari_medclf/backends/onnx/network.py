"""A network in ONNX Runtime, called like any other."""

from __future__ import annotations

from typing import Any

import numpy as np

from napari_medclf.backends.onnx.graph import Graph
from napari_medclf.domain.card import ModelCard
from napari_medclf.domain.errors import CardError


class OnnxNetwork:
    """Answers (N, C, *spatial) float32 tensors on the CPU.

    Parameters
    ----------
    session : onnxruntime.InferenceSession
        Already open.
    """

    def __init__(self, session: Any, graph: Graph, card: ModelCard) -> None:
        from napari_medclf.engine.arrangement import Arrangement

        self._session = session
        self._inputs = graph.inputs
        self._output = str(card.network.arguments.get("output", graph.outputs[0].name))
        self._arrangement = Arrangement.of(card)
        self._batch = next((port.shape[0] for port in graph.inputs if port.shape[0]), 0)

    def __call__(self, inputs: Any) -> Any:
        """Run the network; where the file fixes how many inputs go in at once, as often as is needed."""
        import torch

        n = self._batch or len(inputs)
        answers = [self._run(inputs[start : start + n], n) for start in range(0, len(inputs), n)]
        return torch.cat(answers)[: len(inputs)]

    def _run(self, inputs: Any, n: int) -> Any:
        import torch

        missing = n - len(inputs)
        if missing:
            inputs = torch.cat([inputs, inputs[-1:].expand(missing, *inputs.shape[1:])])
        parts = self._arrangement.split(inputs)
        feed = {port.name: _as_kind(part.numpy(), port.kind) for port, part in zip(self._inputs, parts, strict=True)}
        try:
            answer = self._session.run([self._output], feed)[0]
        except Exception as error:  # ONNX Runtime's classes are not public
            reason = " ".join(str(error).split())[:200]
            raise CardError(f"The network cannot take an input of {tuple(inputs.shape)}: {reason}.") from error
        return self._arrangement.back(torch.from_numpy(np.asarray(answer)))


def _as_kind(values: Any, kind: str) -> Any:
    """Cast to the element type of the file; whole numbers are rounded."""
    name = {"tensor(float)": "float32", "tensor(float16)": "float16", "tensor(double)": "float64"}.get(kind)
    if name is not None:
        return np.ascontiguousarray(values, dtype=name)
    whole = np.dtype(kind.removeprefix("tensor(").removesuffix(")"))
    limits = np.iinfo(whole)
    return np.clip(np.rint(values), limits.min, limits.max).astype(whole)
