"""Where to compute is a choice that is checked, in sentences."""

from __future__ import annotations

import pytest
import torch

from napari_medclf.domain.errors import BackendUnavailable
from napari_medclf.engine.device import choose_device


@pytest.fixture
def gpus(monkeypatch: pytest.MonkeyPatch):
    """Pretend that a computer has so many GPUs of each kind."""

    def pretend(cuda: int = 0, xpu: int = 0, mps: bool = False) -> None:
        for module, n in ((torch.cuda, cuda), (torch.xpu, xpu)):
            monkeypatch.setattr(module, "is_available", lambda n=n: n > 0)
            monkeypatch.setattr(module, "device_count", lambda n=n: n)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)

    pretend()
    return pretend


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ({}, "cpu"),
        ({"mps": True}, "mps"),
        ({"xpu": 1, "mps": True}, "xpu"),
        ({"cuda": 1, "xpu": 1}, "cuda"),
    ],
)
def test_auto_takes_the_best_there_is(gpus, found: dict[str, int], expected: str) -> None:
    gpus(**found)
    assert choose_device("auto") == torch.device(expected)


def test_number_chooses_among_several(gpus) -> None:
    gpus(cuda=2, xpu=2)
    assert choose_device("CUDA:1") == torch.device("cuda:1")
    assert choose_device("xpu:1") == torch.device("xpu:1")


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("cuda", "no NVIDIA driver was found, or torch was installed without CUDA"),
        ("xpu", "no Intel driver was found, or torch was installed without XPU"),
        ("mps", "no Apple GPU"),
        ("gpu", "There is no device 'gpu'"),
        ("cpu:0", "There is no device 'cpu:0'. Did you mean 'cpu'"),
        ("cuda:", "There is no device 'cuda:'"),
        ("cuda:x", "There is no device 'cuda:x'"),
    ],
)
def test_device_that_is_not_there_is_a_sentence(gpus, name: str, sentence: str) -> None:
    with pytest.raises(BackendUnavailable, match=sentence):
        choose_device(name)


def test_number_beyond_the_last_is_told(gpus) -> None:
    gpus(cuda=2)
    with pytest.raises(BackendUnavailable, match=r"has 2 GPU\(s\), counted from cuda:0"):
        choose_device("cuda:2")
