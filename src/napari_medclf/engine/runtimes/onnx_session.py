"""Run an ONNX network with ONNX Runtime on the CPU."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from napari_medclf.domain.arrays import FloatArray
from napari_medclf.domain.errors import BackendUnavailable
from napari_medclf.engine.runtimes.fixed_shape import Run
from napari_medclf.engine.runtimes.versions import has_package

if TYPE_CHECKING:
    import onnxruntime

MISSING = (
    "Running networks with ONNX Runtime needs packages that are not installed. Install them with "
    "`pip install \"napari-medclf[onnx]\"`, or choose the runtime 'torch'."
)


def open_session(content: bytes | str) -> onnxruntime.InferenceSession:
    """Open a network, from its bytes or its file, with as many threads as torch has; they sleep while they wait.

    Raises
    ------
    BackendUnavailable
        If ONNX Runtime is not installed.
    """
    if not has_package("onnxruntime"):
        raise BackendUnavailable(MISSING)
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors; it warns of nothing that a person could mend
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def run_with_onnxruntime(content: bytes) -> Run:
    """Give a function that runs a network of `export.export_onnx`."""
    session = open_session(content)

    def run(inputs: FloatArray) -> FloatArray:
        answer: FloatArray = session.run(["output"], {"input": inputs})[0]
        return answer

    return run
