"""TorchScript runs only what was looked at and trusted, and answers what its module answers."""

from __future__ import annotations

import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from napari_medclf.backends.torchscript import TorchScriptBackend, read_trust
from napari_medclf.domain.errors import CardError
from napari_medclf.domain.run_settings import LoadSettings
from napari_medclf.testing.check_backend import check_backend

_CPU = LoadSettings("cpu", runtime="torch")


class _Blur(nn.Module):
    """Two channels from one: the pixel, and the mean around it less the pixel."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 3, padding=1, bias=False)
        with torch.no_grad():
            self.conv.weight[:] = 1 / 9
            self.conv.weight[0] = 0
            self.conv.weight[0, 0, 1, 1] = 1

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x)


class _Dictionary(_Blur):
    def forward(self, x: Tensor) -> dict[str, Tensor]:
        return {"aux": x, "out": self.conv(x)}


class _Writer(_Blur):
    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x + torch.from_file("numbers.bin", shared=False, size=1))


class _Nothing(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([x, x], 1)


def _save(network: nn.Module, path: Path) -> Path:
    torch.jit.save(torch.jit.script(network.eval()), str(path))
    return path


def test_program_answers_what_its_module_answers(tmp_path: Path, make_card: Any, noise: Any) -> None:
    path = _save(_Blur(), tmp_path / "blur.pt")
    backend = TorchScriptBackend()
    loaded = backend.load(backend.read(path, make_card()), _CPU)
    x = torch.from_numpy(noise(2, 1, 16, 24))
    with torch.inference_mode():
        torch.testing.assert_close(loaded.network(x), _Blur()(x))  # type: ignore[attr-defined]


@pytest.mark.parametrize("freeze", [False, True])
def test_traced_and_frozen_programs_run_too(tmp_path: Path, make_card: Any, noise: Any, freeze: bool) -> None:
    traced: Any = torch.jit.trace(_Blur().eval(), torch.zeros(1, 1, 16, 24))
    torch.jit.save(torch.jit.freeze(traced) if freeze else traced, str(tmp_path / "blur.pt"))
    backend = TorchScriptBackend()
    loaded = backend.load(backend.read(tmp_path / "blur.pt", make_card()), _CPU)
    x = torch.from_numpy(noise(1, 1, 16, 24))
    with torch.inference_mode():
        torch.testing.assert_close(loaded.network(x), _Blur()(x))  # type: ignore[attr-defined]


def test_answer_in_a_dictionary_is_its_out(tmp_path: Path, make_card: Any, noise: Any) -> None:
    backend = TorchScriptBackend()
    loaded = backend.load(backend.read(_save(_Dictionary(), tmp_path / "d.pt"), make_card()), _CPU)
    x = torch.from_numpy(noise(1, 1, 16, 24))
    with torch.inference_mode():
        torch.testing.assert_close(loaded.network(x), _Blur()(x))  # type: ignore[attr-defined]


def test_half_precision_weights_become_float32(tmp_path: Path, make_card: Any, noise: Any) -> None:
    backend = TorchScriptBackend()
    loaded = backend.load(backend.read(_save(_Blur().half(), tmp_path / "half.pt"), make_card()), _CPU)
    x = torch.from_numpy(noise(1, 1, 16, 24))
    with torch.inference_mode():
        torch.testing.assert_close(loaded.network(x), _Blur()(x), atol=1e-3, rtol=0)  # type: ignore[attr-defined]


def test_trust_lists_operations_and_methods_and_what_reaches_out(tmp_path: Path) -> None:
    plain, reaching = (_save(make(), tmp_path / f"{make.__name__}.pt") for make in (_Blur, _Writer))
    lines = read_trust(plain).what
    assert any("operations: " in line and "conv2d" in line for line in lines)
    assert any("class _Blur, def forward" in line for line in lines)
    assert not any("reaches outside" in line for line in lines)
    assert "reaches outside of the computation: from_file" in read_trust(reaching).what


def test_trust_is_about_this_very_file(tmp_path: Path) -> None:
    path = _save(_Blur(), tmp_path / "blur.pt")
    before = read_trust(path).sha256
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("blur/code/__torch__/more.py", "def forward(x):\n  return torch.save(x)\n")
    assert read_trust(path).sha256 != before


def test_program_that_nobody_was_asked_about_is_not_loaded(
    tmp_path: Path, make_card: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exchanged after the look at it, or named in its place by a card that lists files in another order."""
    monkeypatch.setattr(torch.jit, "load", lambda *_, **__: pytest.fail("the program was loaded"))
    path, other = _save(_Blur(), tmp_path / "blur.pt"), _save(_Writer(), tmp_path / "other.pt")
    backend = TorchScriptBackend()
    package = backend.read(path, make_card())
    with pytest.raises(CardError, match="nobody was asked about"):
        backend.load(replace(package, files=(other, path)), _CPU)
    path.write_bytes(other.read_bytes())
    with pytest.raises(CardError, match="nobody was asked about"):
        backend.load(package, _CPU)
    with pytest.raises(CardError, match="nobody was asked about"):
        backend.load(replace(package, trust=None), _CPU)


def test_nothing_runs_while_it_is_read(tmp_path: Path, make_card: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    path = _save(_Blur(), tmp_path / "blur.pt")
    monkeypatch.setattr(torch.jit, "load", lambda *_, **__: pytest.fail("the program was loaded"))
    package = TorchScriptBackend().read(path, make_card())
    assert package.trust is not None


def test_program_without_weights_is_refused(tmp_path: Path, make_card: Any) -> None:
    with pytest.raises(CardError, match="holds no weights"):
        TorchScriptBackend().read(_save(_Nothing(), tmp_path / "nothing.pt"), make_card())


def test_weights_that_are_not_numbers_are_refused(tmp_path: Path, make_card: Any) -> None:
    network = _Blur()
    with torch.no_grad():
        network.conv.weight[0, 0, 0, 0] = np.nan
    package = TorchScriptBackend().read(_save(network, tmp_path / "nan.pt"), make_card())
    with pytest.raises(CardError, match=r"'conv\.weight' holds numbers that are not finite"):
        TorchScriptBackend().load(package, _CPU)


def test_export_archive_is_refused_by_name(tmp_path: Path, make_card: Any) -> None:
    program = torch.export.export(_Blur().eval(), (torch.zeros(1, 1, 16, 24),))
    torch.export.save(program, tmp_path / "blur.pt2")
    backend = TorchScriptBackend()
    assert backend.recognises(tmp_path / "blur.pt2")
    with pytest.raises(CardError, match=r"export archive \(\.pt2\), which is not read"):
        backend.read(tmp_path / "blur.pt2", make_card())


def test_card_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(CardError, match=r"put a medclf\.json beside it"):
        TorchScriptBackend().read(_save(_Blur(), tmp_path / "blur.pt"))


def test_other_file_than_the_cards_is_refused(tmp_path: Path, make_card: Any) -> None:
    path = _save(_Blur(), tmp_path / "blur.pt")
    card = make_card().model_copy(update={"weights_sha256": "0" * 64})
    with pytest.raises(CardError, match="SHA-256 differs"):
        TorchScriptBackend().load(TorchScriptBackend().read(path, card), _CPU)


def test_backend_keeps_its_word(tmp_path: Path, make_card: Any) -> None:
    path = _save(_Blur(), tmp_path / "blur.pt")
    card = make_card(input={"patch_vox": (32, 32)})
    assert check_backend(TorchScriptBackend(), path, tmp_path / "scratch", card=card) == ()
