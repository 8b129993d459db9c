"""Half precision where a device is fast at it, and float32 where that goes wrong."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from napari_medclf.domain.card import Task
from napari_medclf.domain.errors import BackendUnavailable
from napari_medclf.engine.runtimes.precision import MixedPrecision, choose_dtype

CPU, CUDA = torch.device("cpu"), torch.device("cuda:0")


@pytest.mark.parametrize(
    ("precision", "device", "task", "capability", "expected"),
    [
        ("auto", CPU, Task.SEGMENT, None, torch.float32),
        ("auto", CUDA, Task.SEGMENT, (9, 0), torch.float16),
        ("auto", CUDA, Task.SEGMENT, (6, 1), torch.float32),
        ("auto", CUDA, Task.CLASSIFY, (9, 0), torch.float32),
        ("auto", torch.device("xpu"), Task.SEGMENT, None, torch.float16),
        ("auto", torch.device("mps"), Task.SEGMENT, None, torch.float32),
        ("bfloat16", CPU, Task.SEGMENT, None, torch.bfloat16),
        ("bfloat16", CUDA, Task.SEGMENT, (8, 0), torch.bfloat16),
        ("float32", CUDA, Task.SEGMENT, None, torch.float32),
    ],
)
def test_type_follows_the_device(precision, device, task, capability, expected) -> None:
    assert choose_dtype(precision, device, task, capability) is expected


@pytest.mark.parametrize(("precision", "capability"), [("bfloat16", (7, 5)), ("float16", (6, 1))])
def test_gpu_that_is_too_old_is_told(precision, capability) -> None:
    with pytest.raises(BackendUnavailable, match=f"cuda:0 cannot compute in {precision}: it is too old"):
        choose_dtype(precision, CUDA, Task.SEGMENT, capability)


def convolution(weight: float) -> nn.Module:
    layer = nn.Conv2d(1, 1, 1, bias=False).requires_grad_(False)
    layer.weight.fill_(weight)
    return layer


def test_answer_is_float32_and_near() -> None:
    found = MixedPrecision(convolution(0.3), CPU, torch.bfloat16)(torch.ones(1, 1, 4, 4))
    assert found.dtype is torch.float32
    assert torch.allclose(found, torch.tensor(0.3), rtol=1e-2)


def test_overflow_of_float16_is_computed_again_and_said() -> None:
    network = MixedPrecision(convolution(300.0), CPU, torch.float16)
    assert torch.equal(network(torch.ones(1, 1, 2, 2)), torch.full((1, 1, 2, 2), 300.0))
    assert network.notes == ()
    assert torch.equal(network(torch.full((1, 1, 2, 2), 1000.0)), torch.full((1, 1, 2, 2), 300_000.0))
    assert "left the range of float16" in network.notes[0]


def test_first_of_several_answers_is_taken() -> None:
    network = MixedPrecision(lambda inputs: [inputs, inputs + 1], CPU, torch.float32)
    assert torch.equal(network(torch.zeros(1, 1)), torch.zeros(1, 1))
