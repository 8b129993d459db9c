"""Run an ONNX network with OpenVINO on the CPU."""

from __future__ import annotations

import sys
from types import ModuleType

import torch

from napari_medclf.domain.arrays import FloatArray
from napari_medclf.domain.errors import BackendUnavailable
from napari_medclf.engine.runtimes.fixed_shape import Run
from napari_medclf.engine.runtimes.versions import has_package

MISSING = (
    "Running networks with OpenVINO needs packages that are not installed. Install them with "
    "`pip install \"napari-medclf[openvino]\"`, or choose the runtime 'torch'."
)


def run_with_openvino(content: bytes, precision: str = "f32") -> Run:
    """Give a function that runs a network of `export.export_onnx`, with as many threads as torch has.

    Parameters
    ----------
    precision : str
        OpenVINO's word: ``f32`` or ``bf16``. Left to itself it takes bfloat16 on processors that have it, and scores
        then differ in the third digit.

    Raises
    ------
    BackendUnavailable
        If OpenVINO is not installed.
    """
    openvino = import_openvino()
    core = openvino.Core()
    settings = {
        "INFERENCE_NUM_THREADS": torch.get_num_threads(),
        "NUM_STREAMS": 1,
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": precision,
    }
    request = core.compile_model(core.read_model(content), "CPU", settings).create_infer_request()

    def run(inputs: FloatArray) -> FloatArray:
        answer: FloatArray = request.infer({0: inputs})[0]
        return answer

    return run


def import_openvino() -> ModuleType:
    """Import OpenVINO so that it tells nobody.

    Raises
    ------
    BackendUnavailable
        If it is not installed.

    Notes
    -----
    OpenVINO 2026.4 reports its import over the network unless a person has opted out; without the package that does
    so, it takes an empty stand-in of its own.
    """
    if not has_package("openvino"):
        raise BackendUnavailable(MISSING)
    reporter = "openvino_telemetry"
    is_hidden = reporter not in sys.modules
    if is_hidden:
        sys.modules[reporter] = None  # type: ignore[assignment]  # Python's way to make an import fail
    try:
        import openvino
    finally:
        if is_hidden:
            del sys.modules[reporter]
    return openvino
