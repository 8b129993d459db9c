"""Windows of one shape are replayed; whatever hinders that leaves the network as it is."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from napari_medclf.engine.runtimes.graphs import GraphedNetwork


class FakeRecorder:
    """Replays with a sign that it did."""

    def __init__(self, gain: float = 2.0, error: Exception | None = None) -> None:
        self.gain, self.error, self.n_recorded = gain, error, 0

    def record(self, network: Callable, inputs: torch.Tensor) -> tuple[Callable, float]:
        self.n_recorded += 1
        if self.error:
            raise self.error
        return lambda others: network(others) + 1000, self.gain


def test_shape_is_recorded_once_and_replayed() -> None:
    recorder = FakeRecorder()
    network = GraphedNetwork(torch.neg, recorder)
    answers = [float(network(torch.full((2, 1), value)).max()) for value in (1.0, 2.0)]
    assert (answers, recorder.n_recorded) == ([999.0, 998.0], 1)


def test_third_shape_runs_as_it_is() -> None:
    network = GraphedNetwork(torch.neg, FakeRecorder())
    assert [float(network(torch.ones(n, 1)).max()) for n in (1, 2, 3, 2)] == [999.0, 999.0, -1.0, 999.0]


@pytest.mark.parametrize("recorder", [FakeRecorder(gain=1.0), FakeRecorder(error=RuntimeError("capture"))])
def test_no_gain_or_failed_recording_leaves_the_network(recorder: FakeRecorder) -> None:
    network = GraphedNetwork(torch.neg, recorder)
    assert [float(network(torch.ones(1, 1))) for _ in range(2)] == [-1.0, -1.0]
    assert recorder.n_recorded == 1


def test_float32_is_not_answered_by_a_graph_of_half_precision() -> None:
    recorder = FakeRecorder()
    network = GraphedNetwork(torch.neg, recorder)
    with torch.autocast("cpu", torch.bfloat16):
        network(torch.ones(1, 1))
    network(torch.ones(1, 1))
    assert recorder.n_recorded == 2
