"""Weights of any maker are read by content, fill a network wholly or not at all, and run nothing."""

from __future__ import annotations

import collections
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from napari_medclf.domain.errors import CardError
from napari_medclf.engine.weight_files.kinds import FileKind, sniff
from napari_medclf.engine.weights import explain_misfit, fill, read_checkpoint, read_tensors


@pytest.fixture(scope="session")
def shared_weights(shared_data: Path) -> Path:
    folder = shared_data.parent / "weights"
    if not folder.is_dir():
        pytest.skip("the folder of real weights, ../shared/weights beside the repository, is not here")
    return folder


def _network() -> nn.Module:
    torch.manual_seed(3)
    return nn.Sequential(nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.Conv2d(3, 2, 1))


def _same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return list(one) == list(other) and all(torch.equal(one[key], other[key]) for key in one)


def _save_legacy(content: Any, path: Path) -> None:
    torch.save(content, path, _use_new_zipfile_serialization=False)


@pytest.mark.parametrize("save", [save_file, torch.save, _save_legacy])
@pytest.mark.parametrize("suffix", [".pth", ".safetensors", ".pt", ""])
def test_content_decides_and_not_the_suffix(tmp_path: Path, save: Any, suffix: str) -> None:
    state = _network().state_dict()
    path = tmp_path / f"weights{suffix}"
    save(dict(state), path)
    found = read_tensors(path)
    assert found.keys() == state.keys()
    assert all(torch.equal(found[key], state[key]) for key in state)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda state: {"epoch": 3, "state_dict": state, "optimizer": {"state": {0: {"exp_avg": torch.zeros(3)}}}},
        lambda state: {"model_state_dict": state, "best": np.float64(0.9), "losses": np.linspace(0, 1, 4)},
        lambda state: {"network_weights": state, "init_args": {"fold": 0}},
        lambda state: {"model": {"state_dict": state}},
        lambda state: {"net": {f"module.{key}": value for key, value in state.items()}},
        lambda state: {f"module._orig_mod.{key}": value for key, value in state.items()},
        lambda state: {"generator_a": state, "step": 4, "optimizer_a": {"momentum": torch.zeros(2)}},
        lambda state: {"n_averaged": torch.tensor(7), **{f"module.{key}": value for key, value in state.items()}},
        lambda state: {"ema": {key: value + 1 for key, value in state.items()}, "model": state},
    ],
)
def test_weights_are_found_inside_what_trainers_save(tmp_path: Path, wrap: Any) -> None:
    state = _network().state_dict()
    torch.save(wrap(state), tmp_path / "checkpoint.pt")
    assert _same(read_tensors(tmp_path / "checkpoint.pt"), dict(state))


def test_two_networks_in_a_file_are_not_guessed_between(tmp_path: Path) -> None:
    state = _network().state_dict()
    torch.save({"teacher": state, "student": state}, tmp_path / "two.pt")
    with pytest.raises(CardError, match="'teacher', 'student', and does not say which"):
        read_tensors(tmp_path / "two.pt")


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("save", [save_file, torch.save])
def test_numbers_of_any_width_become_float32(tmp_path: Path, dtype: torch.dtype, save: Any) -> None:
    network = _network()
    path = tmp_path / "weights"
    save(network.to(dtype).state_dict(), path)
    found = read_tensors(path)
    assert found["0.weight"].dtype is torch.float32
    assert found["1.num_batches_tracked"].dtype is torch.int64
    assert torch.equal(found["0.weight"], network.to(torch.float32).state_dict()["0.weight"])


def test_checkpoint_with_numpy_numbers_of_either_generation_is_read(tmp_path: Path) -> None:
    saved = {"loss": np.float32(0.25), "curve": np.arange(6, dtype=np.float64).reshape(2, 3), "best": np.int64(4)}
    torch.save(saved, tmp_path / "new.pt")
    found = read_checkpoint(tmp_path / "new.pt")
    assert found["loss"] == np.float32(0.25)
    assert found["best"] == 4
    np.testing.assert_array_equal(found["curve"], saved["curve"])


class _Canary:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return (open, (str(self.path), "w"))


@pytest.mark.parametrize("is_legacy", [False, True])
def test_file_that_would_run_something_is_refused_and_named(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], is_legacy: bool
) -> None:
    canary = tmp_path / "ran"
    torch.save(
        {"state_dict": {"w": torch.ones(2)}, "extra": _Canary(canary)},
        tmp_path / "evil.pt",
        _use_new_zipfile_serialization=not is_legacy,
    )
    with pytest.raises(CardError, match=r"needs full unpickling, .*\(io\.open\)|\(_io\.open\)") as raised:
        read_tensors(tmp_path / "evil.pt")
    assert not canary.exists()
    assert "\n" not in str(raised.value)
    assert "\x1b" not in str(raised.value)
    assert capfd.readouterr() == ("", "")


def test_whole_pickled_module_is_refused_with_its_class(tmp_path: Path) -> None:
    torch.save(_network(), tmp_path / "module.pt")
    with pytest.raises(CardError, match="torch.nn.modules"):
        read_tensors(tmp_path / "module.pt")


def test_plain_pickle_is_not_opened(tmp_path: Path) -> None:
    (tmp_path / "model.pth").write_bytes(pickle.dumps({"w": _Canary(tmp_path / "ran")}))
    with pytest.raises(CardError, match="a pickle that PyTorch did not write"):
        read_tensors(tmp_path / "model.pth")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is empty"),
        (b"<!DOCTYPE html><html><body>404</body></html>", "is a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "pointer of Git LFS"),
        (b"These are my weights: 1, 2, 3.\n", "is plain text"),
        (b'{"weights": [1, 2]}', "is JSON text"),
        (b"\x89HDF\r\n\x1a\n" + bytes(100), "is an HDF5 file"),
        (b"\x1f\x8b\x08" + bytes(30), "is a gzip archive"),
        (bytes(200), "is of no kind"),
        (b"PK\x03\x04" + bytes(200), "cut short"),
    ],
)
def test_other_files_are_called_by_their_name(tmp_path: Path, content: bytes, sentence: str) -> None:
    (tmp_path / "weights.pth").write_bytes(content)
    with pytest.raises(CardError, match=sentence):
        read_tensors(tmp_path / "weights.pth")


@pytest.mark.parametrize("save", [save_file, torch.save, _save_legacy])
def test_file_cut_anywhere_is_refused(tmp_path: Path, save: Any) -> None:
    path = tmp_path / "whole"
    save(dict(_network().state_dict()), path)
    whole = path.read_bytes()
    for part in (0.02, 0.3, 0.6, 0.9, 0.999):
        path.write_bytes(whole[: int(len(whole) * part)])
        with pytest.raises(CardError) as raised:
            read_tensors(path)
        assert "\n" not in str(raised.value)


def test_weights_outlive_their_file(tmp_path: Path) -> None:
    state = dict(_network().state_dict())
    save_file(state, tmp_path / "weights")
    found = read_tensors(tmp_path / "weights")
    (tmp_path / "weights").write_bytes(b"")  # mapped memory would now be gone
    assert _same(dict(sorted(found.items())), dict(sorted(state.items())))


def test_header_that_names_a_tensor_twice_is_refused(tmp_path: Path) -> None:
    entry = '"w":{"dtype":"F32","shape":[1],"data_offsets":[%d,%d]}'
    header = ("{" + entry % (0, 4) + "," + entry % (4, 8) + "}").encode()
    (tmp_path / "twice").write_bytes(len(header).to_bytes(8, "little") + header + bytes(8))
    with pytest.raises(CardError, match="names 'w' twice"):
        read_tensors(tmp_path / "twice")


def test_header_nested_without_end_is_refused(tmp_path: Path) -> None:
    header = b'{"a":' * 200_000
    (tmp_path / "deep").write_bytes(len(header).to_bytes(8, "little") + header)
    with pytest.raises(CardError, match="not a whole safetensors file"):
        read_tensors(tmp_path / "deep")


def test_few_bytes_are_not_stretched_over_the_memory(tmp_path: Path) -> None:
    torch.save({"w": torch.zeros(1).expand(100_000, 100_000)}, tmp_path / "stretched.pt")
    with pytest.raises(CardError, match="speaks of 40000000000 bytes"):
        read_tensors(tmp_path / "stretched.pt")


@pytest.mark.parametrize(
    ("tensor", "sentence"),
    [
        (torch.tensor([1.0, float("nan")]), "not finite"),
        (torch.tensor([1e300], dtype=torch.float64), "not finite"),  # beyond float32
        (torch.ones(2, dtype=torch.complex64), "complex64"),
        (torch.ones(2).to(torch.float8_e4m3fn), "float8_e4m3fn"),
        (torch.eye(3).to_sparse(), "sparse float32"),
    ],
)
def test_strange_numbers_are_refused(tmp_path: Path, tensor: torch.Tensor, sentence: str) -> None:
    torch.save({"w": tensor}, tmp_path / "strange.pt")
    with pytest.raises(CardError, match=sentence):
        read_tensors(tmp_path / "strange.pt")


def test_nothing_by_name_is_refused(tmp_path: Path) -> None:
    for content in ([torch.ones(2)], {"epoch": 3}, {}, torch.ones(3), collections.OrderedDict()):
        torch.save(content, tmp_path / "nothing.pt")
        with pytest.raises(CardError, match="holds no weights by name"):
            read_tensors(tmp_path / "nothing.pt")


def test_network_is_filled_wholly_or_left_alone() -> None:
    state = {key: value + 1 for key, value in _network().state_dict().items()}
    network = _network()
    before = {key: value.clone() for key, value in network.state_dict().items()}
    wrongs: list[dict[str, torch.Tensor]] = [
        {key: value for key, value in state.items() if key != "2.bias"},
        {**state, "3.weight": torch.ones(2)},
        {**state, "0.weight": torch.ones(3, 1, 3, 4)},
        {**state, "0.bias": torch.ones(3, dtype=torch.int64)},
    ]
    for wrong in wrongs:
        with pytest.raises(CardError, match="do not fit the network: 1 are|do not fit the network: 1 have"):
            fill(network, wrong, "mine")
        assert _same(dict(network.state_dict()), before)
    fill(network, state, "mine")
    assert _same(dict(network.state_dict()), state)


def test_common_beginning_of_names_is_left_out_where_the_rest_fits() -> None:
    state = _network().state_dict()
    network = _network()
    fill(network, {f"model.{key}": value + 2 for key, value in state.items()}, "lightning.ckpt")
    assert torch.equal(network.state_dict()["2.weight"], state["2.weight"] + 2)
    assert "'0.weight'" in explain_misfit(network, {f"model.{key}": value for key, value in state.items()})


def test_network_without_parameters_is_refused() -> None:
    with pytest.raises(CardError, match="no parameters"):
        fill(nn.Sequential(nn.ReLU()), {}, "nothing")


@pytest.mark.parametrize(
    ("file", "kind", "n_tensors"),
    [
        ("brainchop/model5_gw_ae/model.pth", FileKind.SAFETENSORS, 20),
        ("brainchop/mindgrab/model.pth", FileKind.TORCH, 27),
        ("lwnet/wnet_drive/model_checkpoint.pth", FileKind.TORCH_LEGACY, 240),
        ("medmnist_small/breastmnist_cnn.pth", FileKind.TORCH, 8),
        ("monai_segmentation_template/models/model.pt", FileKind.TORCH, 49),
        ("nnunet_hippocampus_own/fold_0/checkpoint_final.pth", FileKind.TORCH, 136),
        ("torchio_unet/whole_images_epoch_5.pth", FileKind.TORCH, 136),
    ],
)
def test_real_files_are_read(shared_weights: Path, file: str, kind: FileKind, n_tensors: int) -> None:
    assert sniff(shared_weights / file) is kind
    assert len(read_tensors(shared_weights / file)) == n_tensors


def test_torchscript_is_called_a_program(shared_weights: Path) -> None:
    with pytest.raises(CardError, match="is a TorchScript program"):
        read_tensors(shared_weights / "bioimageio_nuclei" / "weights.pt")
