"""ONNX Runtime takes torch's number of threads."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from napari_medclf.domain.errors import BackendUnavailable
from napari_medclf.engine.runtimes import onnx_session
from napari_medclf.engine.runtimes.export import export_onnx
from napari_medclf.engine.runtimes.onnx_session import open_session
from napari_medclf.engine.runtimes.versions import has_package


@pytest.fixture
def _two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("_two_threads")
@pytest.mark.skipif(not has_package("onnx", "onnxruntime"), reason="the extra onnx is not installed")
def test_threads_are_as_many_as_torch_has() -> None:
    session = open_session(export_onnx(nn.Conv2d(1, 2, 3).eval(), (1, 6, 8)))
    assert session.get_session_options().intra_op_num_threads == 2
    assert session.get_providers() == ["CPUExecutionProvider"]


def test_absence_is_a_sentence_with_the_extra(monkeypatch) -> None:
    monkeypatch.setattr(onnx_session, "has_package", lambda *names: False)
    with pytest.raises(BackendUnavailable, match=r'pip install "napari-medclf\[onnx\]"'):
        open_session(b"")
