"""The memory of a window is foreseen from a small patch."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from torch import nn

from napari_medclf.engine.planning import activations
from napari_medclf.engine.planning.activations import ActivationMeter, LiveTensors
from napari_medclf.engine.sliding.window import Window

_CPU = torch.device("cpu")


def test_only_what_is_alive_at_once_is_counted() -> None:
    inputs = torch.zeros(10)
    with LiveTensors(inputs) as live, torch.inference_mode():
        first = torch.zeros(1000)
        second = first + 1
        del first
        third = second * 2
        del second, third
        torch.zeros(500)
    assert live.peak_bytes == 4 * (10 + 1000 + 1000)
    assert live.live_bytes == 4 * 10


def test_views_and_changes_in_place_take_nothing() -> None:
    inputs = torch.zeros(8)
    with LiveTensors(inputs) as live, torch.inference_mode():
        one = torch.zeros(1000)
        one.view(10, 100).add_(1)[3:5].relu_()
    assert live.peak_bytes == 4 * (8 + 1000)


def _peak(network: object, window: Window, n_channels: int = 1) -> int:
    return ActivationMeter().window_bytes(network, n_channels, window, _CPU)


def test_small_patch_is_scaled_to_the_window(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[int, ...]] = []

    class Net(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            seen.append(tuple(x.shape))
            return torch.cat([x.expand(-1, 3, -1, -1, -1) + 1, x], dim=1)

    monkeypatch.setattr(activations, "_SCRATCH", 1.0)
    found = _peak(Net(), Window((64, 96, 128)))
    assert set(seen) == {(1, 1, 32, 32, 32)}
    # Input, three channels, and the four of the answer are there at once.
    assert found == (1 + 3 + 4) * 64 * 96 * 128 * 4


def test_compiled_network_is_counted_without_being_compiled_and_compiled_when_it_runs() -> None:
    compiled: list[tuple[int, ...]] = []

    def backend(graph: torch.fx.GraphModule, inputs: list[torch.Tensor]) -> object:
        compiled.append(tuple(inputs[-1].shape))
        return graph.forward

    network: object = torch.compile(nn.Sequential(nn.ReLU(), nn.Sigmoid()), backend=backend)
    assert _peak(network, Window((64, 96, 128))) > 2 * 64 * 96 * 128 * 4
    assert compiled == []
    assert callable(network)
    with torch.inference_mode():
        network(torch.zeros(1, 1, 8, 8, 8))
    assert len(compiled) == 1


def test_network_of_one_size_runs_a_window() -> None:
    class Fixed(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            if x.shape[2:] != (48, 40):
                raise ValueError("another size")
            return x + 1

    assert 2 * 48 * 40 * 4 <= _peak(Fixed(), Window((48, 40))) <= 3 * 48 * 40 * 4


_OPAQUE = """
import numpy as np, torch
from napari_medclf.engine.planning.activations import ActivationMeter, peak_bytes
from napari_medclf.engine.sliding.window import Window

def network(x):
    scratch = np.ones((60, *x.shape[2:]), dtype=np.float32)
    return torch.from_numpy(scratch[np.newaxis, :2])

found = ActivationMeter().window_bytes(network, 1, Window((64, 64, 64)), torch.device("cpu"))
print(found / (60 * 64**3 * 4) if peak_bytes() > 0 else 1.0)
"""


def test_what_is_not_torchs_counts_by_the_process() -> None:
    # In a process of its own: one that has held more memory before may take it again without growing.
    done = subprocess.run([sys.executable, "-c", _OPAQUE], capture_output=True, text=True, timeout=120)

    assert done.returncode == 0, done.stderr
    assert 0.7 <= float(done.stdout) <= 1.6


def test_network_that_cannot_run_is_left_to_the_run() -> None:
    def network(x: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("no")

    assert _peak(network, Window((16, 16))) == 4 * 16 * 16


def test_each_size_is_measured_once() -> None:
    n_runs = 0

    class Net(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            nonlocal n_runs
            n_runs += 1
            return torch.relu(x + 1)

    meter, network = ActivationMeter(), Net()
    for _ in range(3):
        meter.window_bytes(network, 1, Window((16, 16)), _CPU)
    assert n_runs == 1


def test_measuring_does_not_import_torchs_compiler() -> None:
    import subprocess
    import sys

    program = (
        "import sys, torch; from napari_medclf.engine.planning.activations import LiveTensors\n"
        "with LiveTensors(torch.zeros(3)): torch.ones(3) + 1\n"
        "print('torch._dynamo' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
