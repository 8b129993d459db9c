"""Compiling is asked of torch, and what hinders it is a sentence."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from napari_medclf.domain.errors import BackendUnavailable
from napari_medclf.engine.runtimes.compiled import compile_network

CPU = torch.device("cpu")


def test_compiled_network_was_tried_on_a_window(monkeypatch) -> None:
    seen: list[tuple[int, ...]] = []

    def compile_(network: nn.Module):
        def run(inputs: torch.Tensor) -> torch.Tensor:
            seen.append(tuple(inputs.shape))
            return network(inputs)

        return run

    monkeypatch.setattr(torch, "compile", compile_)
    compiled = compile_network(nn.Conv2d(1, 2, 3, padding=1), (1, 6, 8), CPU)
    assert compiled(torch.zeros(3, 1, 6, 8)).shape == (3, 2, 6, 8)
    assert seen == [(1, 1, 6, 8), (3, 1, 6, 8)]


def test_missing_compiler_is_a_sentence(monkeypatch) -> None:
    def fail(inputs: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("No working C++ compiler found\nin 3 places")

    monkeypatch.setattr(torch, "compile", lambda network: fail)
    with pytest.raises(BackendUnavailable, match=r"No working C\+\+ compiler found in 3 places.* runtime 'torch'"):
        compile_network(nn.Conv2d(1, 2, 3), (1, 6, 8), CPU)
