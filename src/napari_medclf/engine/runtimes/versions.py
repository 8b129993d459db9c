"""Tell networks, packages and processors apart, so that what was measured is not believed elsewhere."""

from __future__ import annotations

import hashlib
import platform
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from torch import nn

_PACKAGES = ("napari-medclf", "torch", "onnx", "onnxruntime", "openvino")


def network_digest(network: nn.Module) -> str:
    """SHA-256 of a network's layers and weights."""
    digest = hashlib.sha256(repr(network).encode())
    for name, tensor in network.state_dict().items():
        if hasattr(tensor, "detach"):  # what else a module keeps is in its text, or not part of its answer
            values = np.ascontiguousarray(tensor.detach().cpu().float().numpy())
            digest.update(f"{name}{values.shape}".encode())
            digest.update(values.tobytes())
    return digest.hexdigest()


def place_digest(network: nn.Module, shape: tuple[int, ...]) -> str:
    """SHA-256 of all that a measured choice depends on: network, input shape, versions, processor."""
    facts = [network_digest(network), str(shape), processor_name(), *(f"{name} {_version(name)}" for name in _PACKAGES)]
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()


def has_package(*names: str) -> bool:
    """Whether packages are installed, without importing them."""
    return all(find_spec(name) is not None for name in names)


def processor_name() -> str:
    """Name of the processor, as far as the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    wanted = ("model name", "model\t", "flags", "CPU part")
    known = sorted({line for line in lines if line.startswith(wanted)})
    return " ".join((platform.machine(), platform.processor(), *known))


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "absent"
