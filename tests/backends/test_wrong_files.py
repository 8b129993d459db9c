"""Every wrong file is refused in one sentence by every backend; nothing of it runs, and nothing is printed."""

from __future__ import annotations

import io
import json
import os
import pickle
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save, save_file
from torch import Tensor, nn

from napari_medclf.backends.ensemble.file import EnsembleFile, write_ensemble
from napari_medclf.backends.registry import find_backend, load, open_model
from napari_medclf.domain.card import ModelCard, NetworkSpec
from napari_medclf.domain.errors import MedclfError
from napari_medclf.domain.package import ModelPackage
from napari_medclf.domain.run_settings import LoadSettings
from napari_medclf.engine.networks import build_network
from napari_medclf.engine.weights import read_checkpoint, read_tensors
from napari_medclf.store.sidecar import write_sidecar
from napari_medclf.store.trust import remember_trust

_CPU = LoadSettings("cpu", runtime="torch")
_UNET = {
    "spatial_dims": 2,
    "in_channels": 1,
    "out_channels": 2,
    "channels": [4, 8],
    "strides": [2],
}


@dataclass(frozen=True)
class Model:
    """A good model: what is opened, the file that is damaged, and what a person says about it."""

    backend: str
    path: Path
    file: Path
    card: ModelCard | None = None


def _state_dict(folder: Path, make_card: Any) -> Model:
    torch.manual_seed(1)
    network = build_network(NetworkSpec(target="monai.networks.nets.UNet", arguments=_UNET))
    torch.save(network.state_dict(), folder / "weights.pt")
    card = make_card(target="monai.networks.nets.UNet", arguments=_UNET)
    return Model("state_dict", folder / "weights.pt", folder / "weights.pt", card)


def _safetensors(folder: Path, make_card: Any) -> Model:
    model = _state_dict(folder, make_card)
    save_file(dict(read_tensors(model.file)), model.file)
    return model


def _torchscript(folder: Path, make_card: Any) -> Model:
    network = torch.jit.script(nn.Sequential(nn.Conv2d(1, 2, 3, padding=1)).eval())
    torch.jit.save(network, str(folder / "program.pt"))
    return Model("torchscript", folder / "program.pt", folder / "program.pt", make_card())


def _onnx(folder: Path, make_card: Any) -> Model:
    onnx = pytest.importorskip("onnx", reason="the extra 'onnx' is not installed")
    pytest.importorskip("onnxruntime", reason="the extra 'onnx' is not installed")
    from onnx import TensorProto, helper, numpy_helper

    kernel = np.random.default_rng(0).standard_normal((2, 1, 3, 3)).astype(np.float32)
    info = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node("Conv", ["x", "w"], ["y"], pads=[1, 1, 1, 1])],
        "network",
        [info("x", TensorProto.FLOAT, ["n", 1, "h", "w_"])],
        [info("y", TensorProto.FLOAT, ["n", 2, "h", "w_"])],
        [numpy_helper.from_array(kernel, "w")],
    )
    onnx.save(helper.make_model(graph, ir_version=10, opset_imports=[helper.make_opsetid("", 18)]), folder / "m.onnx")
    return Model("onnx", folder / "m.onnx", folder / "m.onnx", make_card())


def _described(folder: Path, make_card: Any) -> Model:
    model = _onnx(folder, make_card)
    axes = [{"type": "batch"}, {"type": "channel", "channel_names": ["raw"]}]
    space = [{"type": "space", "id": letter, "size": {"min": 16, "step": 8}} for letter in "yx"]
    classes = [{"type": "batch"}, {"type": "channel", "channel_names": ["background", "cell"]}, *space]
    content = {
        "name": "cells",
        "inputs": [{"id": "raw", "axes": [*axes, *space]}],
        "outputs": [{"id": "out", "axes": classes, "postprocessing": [{"id": "softmax"}]}],
        "weights": {"onnx": {"source": "m.onnx"}},
    }
    (folder / "bioimageio.yaml").write_text(json.dumps(content))
    return Model("onnx", folder, model.file)


def _meshnet(folder: Path, make_card: Any) -> Model:
    layer = {"kernel_size": 3, "padding": 1, "stride": 1, "dilation": 1}
    (folder / "model.json").write_text(json.dumps({"header": "Tissue", "layers": [layer, layer]}))
    colours = {"R": [0, 1], "G": [0, 1], "B": [0, 1], "labels": ["background", "brain"]}
    (folder / "colormap.json").write_text(json.dumps(colours))
    network = nn.Sequential(nn.Conv3d(1, 3, 3), nn.ReLU(), nn.Conv3d(3, 2, 3))
    torch.save({f"model.{key}": value for key, value in network.state_dict().items()}, folder / "model.pth")
    return Model("meshnet", folder, folder / "model.pth")


def _nnunet(folder: Path, make_card: Any) -> Model:
    copy = _shared("nnunet_hippocampus_own", folder)
    return Model("nnunet", copy, copy / "fold_0" / "checkpoint_final.pth")


def _bundle(folder: Path, make_card: Any) -> Model:
    copy = _shared("monai_segmentation_template", folder)
    return Model("monai_bundle", copy, copy / "models" / "model.pt")


def _xrayvision(folder: Path, make_card: Any) -> Model:
    copied = shutil.copyfile(Path(__file__).with_name("xrayvision") / "state.pt", folder / "state.pt")
    return Model("xrayvision", copied, copied)


def _ensemble(folder: Path, make_card: Any) -> Model:
    members = [_state_dict(_folder(folder / name), make_card) for name in ("first", "second")]
    for one in members:
        assert one.card is not None
        write_sidecar(ModelPackage(one.card, one.path.parent, files=(one.path,)), one.path.parent)
    card = members[0].card
    assert card is not None
    entries = [{"model": f"{one.path.parent.name}/{one.path.name}"} for one in members]
    content = {"card": card.model_copy(update={"backend": "ensemble"}), "combine": "mean", "members": entries}
    write_ensemble(EnsembleFile.model_validate(content), folder / "ensemble.json")
    return Model("ensemble", folder / "ensemble.json", members[0].file)


def _ensemble_list(folder: Path, make_card: Any) -> Model:
    made = _ensemble(folder, make_card)
    made.path.write_text(made.path.read_text().strip())
    return Model("ensemble", made.path, made.path)


def _totalsegmentator(folder: Path, make_card: Any) -> Model:
    (folder / "task.json").write_text('{"totalsegmentator": {"task": "total", "fast": true}}')
    return Model("totalsegmentator", folder / "task.json", folder / "task.json")


def _folder(path: Path) -> Path:
    path.mkdir()
    return path


def _native(folder: Path, make_card: Any) -> Model:
    import napari_medclf

    source = Path(napari_medclf.__file__).parent / "models" / "retina-vessels"
    copy = Path(shutil.copytree(source, folder / "retina-vessels"))
    return Model("native", copy, copy / "models" / "model.safetensors")


def _shared(name: str, folder: Path) -> Path:
    source = Path(__file__).resolve().parents[3] / "shared" / "weights" / name
    if not source.is_dir():
        pytest.skip("the folder of real weights, ../shared/weights beside the repository, is not here")
    shutil.copytree(source, folder / name, copy_function=shutil.copyfile)
    for path in [folder / name, *(folder / name).rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    return folder / name


_MODELS: dict[str, Callable[[Path, Any], Model]] = {
    "state_dict": _state_dict,
    "safetensors": _safetensors,
    "torchscript": _torchscript,
    "onnx": _onnx,
    "bioimageio": _described,
    "meshnet": _meshnet,
    "native": _native,
    "nnunet": _nnunet,
    "monai_bundle": _bundle,
    "xrayvision": _xrayvision,
    "ensemble": _ensemble,
    "ensemble_list": _ensemble_list,
    "totalsegmentator": _totalsegmentator,
}
# Those whose weights are a torch file or safetensors, and may be exchanged for others of either kind.
_OF_TENSORS = ("state_dict", "safetensors", "meshnet", "nnunet", "monai_bundle", "xrayvision", "ensemble")


class _Canary:
    def __init__(self, path: Path) -> None:
        self.path = str(path)

    def __reduce__(self) -> Any:
        return (open, (self.path, "w"))


def _torch_bytes(content: Any, **options: Any) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer, **options)
    return buffer.getvalue()


def _zip_bomb() -> bytes:
    """As a torch file, 1 MB that unpacks to 1 GB."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("weights/data.pkl", pickle.dumps({"w": 1}, protocol=2))
        archive.writestr("weights/version", "3")
        with archive.open("weights/data/0", "w", force_zip64=True) as member:
            for _ in range(256):
                member.write(bytes(2**22))
    return buffer.getvalue()


_FOREIGN: dict[str, Callable[[Path], bytes]] = {
    "empty": lambda canary: b"",
    "one byte": lambda canary: b"\x80",
    "text": lambda canary: b"These are not the weights.\n" * 20,
    "web page": lambda canary: b"<!DOCTYPE html><html><body>Not found</body></html>\n",
    "pointer of Git LFS": lambda canary: b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n",
    "JSON": lambda canary: b'{"weights": [1, 2, 3]}',
    "zeros": lambda canary: bytes(4096),
    "random": lambda canary: np.random.default_rng(0).bytes(4096),
    "HDF5": lambda canary: b"\x89HDF\r\n\x1a\n" + bytes(2048),
    "zip of something": lambda canary: _zip_of({"letter.txt": b"Dear colleague"}),
    "zip bomb": lambda canary: _zip_bomb(),
    "plain pickle that runs": lambda canary: pickle.dumps(_Canary(canary)),
    "torch file that runs": lambda canary: _torch_bytes({"state_dict": {"w": torch.ones(2)}, "x": _Canary(canary)}),
    "old torch file that runs": lambda canary: _torch_bytes(
        {"w": _Canary(canary)}, _use_new_zipfile_serialization=False
    ),
    "safetensors of 0 tensors": lambda canary: save({}),
    "safetensors that never ends": lambda canary: (2**62).to_bytes(8, "little") + b'{"a":1}',
    "deep JSON header": lambda canary: (300_000).to_bytes(8, "little") + b'{"a":' * 60_000,
}


def _zip_of(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def _other_keys(state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {f"other.{key}": value for key, value in state.items()}


def _other_shape(state: dict[str, Tensor]) -> dict[str, Tensor]:
    key = next(iter(state))
    return {**state, key: torch.cat([state[key], state[key]])}


def _less(state: dict[str, Tensor]) -> dict[str, Tensor]:
    return dict(list(state.items())[:-1])


def _more(state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {**state, "extra.weight": torch.ones(3)}


def _nan(state: dict[str, Tensor]) -> dict[str, Tensor]:
    key = next(iter(state))
    changed = state[key].clone()
    changed.view(-1)[0] = float("nan")
    return {**state, key: changed}


def _whole_numbers(state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {key: value.to(torch.int32) for key, value in state.items()}


def _made(name: str, tmp_path: Path, make_card: Any) -> Model:
    folder = tmp_path / "model"
    folder.mkdir()
    model = _MODELS[name](folder, make_card)
    try:
        find_backend(model.backend)
    except MedclfError:
        pytest.skip(f"there is no backend {model.backend} yet")
    return model


def _load(model: Model) -> None:
    package = open_model(model.path, model.card)
    backend = find_backend(package.card.backend)
    if not backend.unavailable_because():  # another program need not be here to refuse a file that names its task
        backend.load(package, _CPU)


def _refusal(model: Model) -> str:
    """Open and load a model without asking for trust; what went wrong, as the sentence that a person reads."""
    with pytest.raises(MedclfError) as raised:
        _load(model)
    said = str(raised.value)
    assert "\n" not in said
    assert "\x1b" not in said
    assert "weights_only" not in said
    assert 10 < len(said) < 900 + 3 * len(str(model.path))
    return said


@pytest.mark.parametrize("model_name", _MODELS)
def test_good_model_is_loaded(model_name: str, tmp_path: Path, make_card: Any) -> None:
    _load(_made(model_name, tmp_path, make_card))


@pytest.mark.parametrize("kind", _FOREIGN)
@pytest.mark.parametrize("model_name", _MODELS)
def test_foreign_file_is_refused(
    model_name: str, kind: str, tmp_path: Path, make_card: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    model = _made(model_name, tmp_path, make_card)
    model.file.write_bytes(_FOREIGN[kind](tmp_path / "ran"))
    capfd.readouterr()
    _refusal(model)
    assert not (tmp_path / "ran").exists()
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("part", [0.001, 0.05, 0.3, 0.6, 0.9, 0.99, 0.9999])
@pytest.mark.parametrize("model_name", _MODELS)
def test_file_cut_short_is_refused(
    model_name: str, part: float, tmp_path: Path, make_card: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    model = _made(model_name, tmp_path, make_card)
    whole = model.file.read_bytes()
    model.file.write_bytes(whole[: min(int(len(whole) * part), len(whole) - 1)])
    capfd.readouterr()
    _refusal(model)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("change", [_other_keys, _other_shape, _less, _more, _nan, _whole_numbers])
@pytest.mark.parametrize("as_safetensors", [False, True])
@pytest.mark.parametrize("model_name", _OF_TENSORS)
def test_weights_that_do_not_fit_wholly_are_refused(
    model_name: str, as_safetensors: bool, change: Any, tmp_path: Path, make_card: Any
) -> None:
    model = _made(model_name, tmp_path, make_card)
    state = change(read_tensors(model.file))
    if model_name == "nnunet":
        content = {**read_checkpoint(model.file), "network_weights": state}
    if as_safetensors:
        save_file({key: value.contiguous().clone() for key, value in state.items()}, model.file)
    else:
        torch.save(content if model_name == "nnunet" else state, model.file)
    _refusal(model)


@pytest.mark.parametrize("model_name", _MODELS)
def test_folder_in_place_of_a_file_is_refused(model_name: str, tmp_path: Path, make_card: Any) -> None:
    model = _made(model_name, tmp_path, make_card)
    model.file.unlink()
    model.file.mkdir()
    _refusal(model)


@pytest.mark.parametrize("model_name", _MODELS)
def test_missing_file_is_refused(model_name: str, tmp_path: Path, make_card: Any) -> None:
    model = _made(model_name, tmp_path, make_card)
    model.file.unlink()
    _refusal(model)


@pytest.mark.parametrize("model_name", ["bioimageio", "meshnet", "monai_bundle", "nnunet"])
def test_link_out_of_a_models_folder_is_refused(model_name: str, tmp_path: Path, make_card: Any) -> None:
    """What lies elsewhere is not part of the model: it would not be copied with it, nor looked at."""
    model = _made(model_name, tmp_path, make_card)
    outside = tmp_path / "outside"
    model.file.rename(outside)
    os.symlink(outside, model.file)
    _refusal(model)


_BAD_JSON = {
    "empty": b"",
    "cut": b'{"a": [1, 2',
    "a list": b"[1, 2]",
    "not UTF-8": b'{"a": "\xff\xfe"}',
    "deep": b'{"a":' * 100_000,
    "a key twice": b'{"layers": 1, "layers": 2, "dilation": 1}',
    "a huge number": b'{"layers": ' + b"9" * 100_000 + b', "dilation": 1}',
    "not finite": b'{"layers": [NaN], "dilation": 1}',
}


@pytest.mark.parametrize("kind", _BAD_JSON)
@pytest.mark.parametrize(
    ("model_name", "file"),
    [
        ("native", "configs/metadata.json"),
        ("meshnet", "model.json"),
        ("meshnet", "colormap.json"),
        ("bioimageio", "bioimageio.yaml"),
        ("nnunet", "plans.json"),
        ("nnunet", "dataset.json"),
        ("monai_bundle", "configs/metadata.json"),
        ("monai_bundle", "configs/inference.yaml"),
    ],
)
def test_bad_description_is_refused(
    model_name: str, file: str, kind: str, tmp_path: Path, make_card: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    model = _made(model_name, tmp_path, make_card)
    (model.path / file).write_bytes(_BAD_JSON[kind])
    capfd.readouterr()
    _refusal(model)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("kind", _BAD_JSON)
def test_bad_card_beside_weights_is_refused(kind: str, tmp_path: Path, make_card: Any) -> None:
    model = _made("state_dict", tmp_path, make_card)
    (model.path.parent / "medclf.json").write_bytes(_BAD_JSON[kind])
    _refusal(Model("state_dict", model.path, model.file))


@pytest.mark.parametrize("name", ["/etc/hostname", "../outside", "a/../../outside", "C:\\outside", "weights.pt\0"])
def test_card_that_names_files_outside_is_refused(name: str, tmp_path: Path, make_card: Any) -> None:
    model = _made("state_dict", tmp_path, make_card)
    (tmp_path / "outside").write_bytes(model.file.read_bytes())
    assert model.card is not None
    card = model.card.model_dump(mode="json", by_alias=True)
    content = {"schema_version": 1, "card": card, "files": [name]}
    (model.path.parent / "medclf.json").write_text(json.dumps(content))
    _refusal(Model("state_dict", model.path.parent, model.file))


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"checkpoint": 5, "folds": [1, None], "configuration": ["a"]},
        {"folds": "../../etc", "checkpoint": "../../etc/passwd"},
        {"task": "--help", "fast": "yes", "members": 3},
        {"channels": [10**9], "_args_": [[[]]], "_target_": "os.system"},
    ],
)
@pytest.mark.parametrize("model_name", _MODELS)
def test_written_card_whose_network_is_nonsense_is_mended_or_refused(
    model_name: str, arguments: dict[str, Any], tmp_path: Path, make_card: Any
) -> None:
    """What ``medclf.json`` of an installed model says about its network was not written by its backend."""
    model = _made(model_name, tmp_path, make_card)
    package = open_model(model.path, model.card)
    if package.trust is not None:
        remember_trust(package.trust, package.name)
    network = NetworkSpec(target="os.system", arguments=arguments)
    hostile = replace(package, card=package.card.model_copy(update={"network": network}))
    said = ""
    try:
        load(hostile, _CPU)
    except MedclfError as refusal:
        said = str(refusal)
    assert "\n" not in said
    assert len(said) < 1500
