"""Nothing of a bundle runs unless a person allowed this very content."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_medclf.backends import registry
from napari_medclf.backends.monai_bundle.backend import MonaiBundleBackend
from napari_medclf.domain.errors import BackendUnavailable, CardError, MedclfError
from napari_medclf.domain.geometry import Geometry
from napari_medclf.domain.image import MedImage
from napari_medclf.domain.run_settings import LoadSettings
from napari_medclf.jobs.drive import drive
from napari_medclf.store.trust import NotTrusted, remember_trust

WriteBundle = Callable[..., Path]
_TORCH = LoadSettings(device="cpu", runtime="torch")
_NETWORK = {
    "_target_": "UNet",
    "spatial_dims": 2,
    "in_channels": 1,
    "out_channels": 2,
    "channels": [4, 8],
    "strides": [2],
}
_STEPS = [{"_target_": "LoadImaged", "keys": "image"}, {"_target_": "ScaleIntensityd", "keys": "image"}]
_METADATA = {"network_data_format": {"outputs": {"pred": {"channel_def": {"0": "background", "1": "cell"}}}}}
_SCRIPT = """
import pathlib
import torch

pathlib.Path({canary!r}).write_text("ran")


class Tiny(torch.nn.Module):
    def __init__(self, n):
        super().__init__()
        self.layer = torch.nn.Conv2d(1, n, 3, padding=1)

    def forward(self, x):
        return self.layer(x)
"""


def _steps(*steps: Any) -> dict[str, Any]:
    return {"_target_": "Compose", "transforms": list(steps)}


def _config(**changed: Any) -> dict[str, Any]:
    return {
        "imports": ["$import os"],
        "bundle_root": ".",
        "network_def": _NETWORK,
        "preprocessing": _steps(*_STEPS),
        "inferer": {"_target_": "SlidingWindowInferer", "roi_size": [16, 16]},
        "postprocessing": {
            "_target_": "Compose",
            "transforms": [{"_target_": "AsDiscreted", "keys": "pred", "argmax": True}],
        },
        **changed,
    }


def _state(config: dict[str, Any]) -> dict[str, Any]:
    from monai.bundle import ConfigParser

    return ConfigParser(json.loads(json.dumps(config))).get_parsed_content("network_def").state_dict()


@pytest.fixture
def canary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that code in the bundles of these tests would make, and where it would be made."""
    monkeypatch.chdir(tmp_path)
    return tmp_path / "canary"


_TOUCH = "__import__('os').system('touch canary')"
_WRITE = {"_target_": "pathlib.Path.write_text", "self": "canary", "data": "ran"}


@pytest.mark.parametrize(
    "changed",
    [
        {"network_def": f"${_TOUCH}"},
        {"network_def": {"_target_": "os.system", "command": "touch canary"}},
        {"network_def": {"_target_": "pprint.pprint", "object": f"${_TOUCH}"}},
        {"network_def": {**_NETWORK, "out_channels": f"${_TOUCH}"}},
        {"network_def": {**_NETWORK, "act": {"_target_": "os.system", "command": "touch canary"}}},
        {"network_def": {**_NETWORK, "_requires_": f"${_TOUCH}"}},
        {"network_def": {**_NETWORK, "_disabled_": f"${_TOUCH}"}},
        {"network_def": {**_NETWORK, "_mode_": "debug"}},
        {"network_def": {"_target_": f"${_TOUCH}"}},
        {"network_def": "@hidden", "hidden": f"${_TOUCH}"},
        {"network_def": "%hidden", "hidden": {"_target_": "os.system", "command": "touch canary"}},
        {"preprocessing": {"_target_": "Compose", "transforms": f"$[{_TOUCH}]"}},
        {
            "preprocessing": {
                "_target_": "Compose",
                "transforms": [{"_target_": "os.system", "command": "touch canary"}],
            }
        },
        {"preprocessing": _steps({"_target_": "Lambdad", "func": f"${_TOUCH}"})},
        {"preprocessing": f"${_TOUCH}"},
        {"inferer": f"${_TOUCH}"},
        {"inferer": {"_target_": "os.system", "command": "touch canary"}},
        {"postprocessing": f"${_TOUCH}"},
        {"postprocessing": _steps(_WRITE)},
        {"imports": [f"${_TOUCH}"], "initialize": [f"${_TOUCH}"], "run": [f"${_TOUCH}"]},
        {"handlers": [{"_target_": "CheckpointLoader", "load_path": f"${_TOUCH}"}]},
        {"checkpointloader": {"_target_": "CheckpointLoader", "load_path": "../../outside.pt"}},
        {"checkpointloader": {"_target_": "CheckpointLoader", "load_path": "/etc/passwd"}},
        {"network_def": {**_NETWORK, "out_channels": "%../secret.json::a"}},
    ],
)
def test_canaries_are_refused_or_left_out_and_never_run(
    write_bundle: WriteBundle, canary: Path, changed: dict[str, Any]
) -> None:
    folder = write_bundle(_config(**changed), _METADATA, _state(_config()))
    (folder / "configs/logging.conf").write_text(f"[handlers]\nargs=({_TOUCH},)\n")
    backend = MonaiBundleBackend()
    assert backend.recognises(folder)
    assert "\n" not in _sentence(lambda: registry.load(backend.read(folder), _TORCH))
    assert not canary.exists()


def _sentence(attempt: Callable[[], Any]) -> str:
    try:
        attempt()
    except MedclfError as refusal:
        return str(refusal)
    return "nothing was refused"


def test_what_is_only_beside_the_way_is_left_out_and_the_rest_runs(write_bundle: WriteBundle, canary: Path) -> None:
    config = _config(initialize=[f"${_TOUCH}"], run=[f"${_TOUCH}"], handlers=f"${_TOUCH}")
    folder = write_bundle(config, _METADATA, _state(_config()))
    assert registry.load(MonaiBundleBackend().read(folder), _TORCH).package.trust is None
    assert not canary.exists()


def test_scripts_run_after_a_person_allowed_them_and_only_as_they_were(write_bundle: WriteBundle, canary: Path) -> None:
    import torch

    state = {"layer.weight": torch.ones(2, 1, 3, 3), "layer.bias": torch.tensor([0.0, 0.5])}
    folder = write_bundle(_config(network_def={"_target_": "scripts.tiny.Tiny", "n": "$1 + 1"}), _METADATA, state)
    (folder / "scripts").mkdir()
    (folder / "scripts/tiny.py").write_text(_SCRIPT.format(canary=str(canary)))
    package = MonaiBundleBackend().read(folder)
    assert package.trust is not None
    with pytest.raises(NotTrusted, match=r"scripts\.tiny\.Tiny"):
        registry.load(package, _TORCH)
    assert not canary.exists()
    remember_trust(package.trust, package.name)
    model: Any = registry.load(package, _TORCH)
    assert canary.read_text() == "ran"
    assert model.network(torch.zeros(1, 1, 8, 8))[0, 1].unique().tolist() == [0.5]
    canary.unlink()
    (folder / "scripts/tiny.py").write_text(_SCRIPT.format(canary=str(canary)) + "\n# changed\n")
    with pytest.raises(NotTrusted):
        registry.load(package, _TORCH)
    assert not canary.exists()


def _allowed(folder: Path) -> Any:
    package = MonaiBundleBackend().read(folder)
    assert package.trust is not None
    remember_trust(package.trust, package.name)
    return package


def _scripted(write_bundle: WriteBundle, script: str, **changed: Any) -> Path:
    import torch

    state = {"layer.weight": torch.ones(2, 1, 3, 3), "layer.bias": torch.tensor([0.0, 0.5])}
    config = _config(**{"network_def": {"_target_": "scripts.tiny.Tiny", "n": 2}, **changed})
    folder = write_bundle(config, _METADATA, state)
    (folder / "scripts").mkdir()
    (folder / "scripts/tiny.py").write_text(script)
    return folder


_HARMLESS = _SCRIPT.replace("pathlib.Path({canary!r}).write_text", "str")


def test_compiled_files_beside_allowed_scripts_do_not_run(write_bundle: WriteBundle, canary: Path) -> None:
    """Python takes an unchecked compiled file without a look at its source (PEP 552)."""
    import importlib.util
    import py_compile

    folder = _scripted(write_bundle, _HARMLESS)
    evil = canary.with_suffix(".py")
    evil.write_text(_SCRIPT.format(canary=str(canary)))
    compiled = importlib.util.cache_from_source(str(folder / "scripts/tiny.py"))
    py_compile.compile(str(evil), compiled, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
    registry.load(_allowed(folder), _TORCH)
    assert not canary.exists()


def test_modules_elsewhere_in_the_bundle_are_not_imported(write_bundle: WriteBundle, canary: Path) -> None:
    folder = _scripted(write_bundle, f"import beside\n{_HARMLESS}")
    (folder / "beside.py").write_text(_SCRIPT.format(canary=str(canary)))
    with pytest.raises((BackendUnavailable, CardError), match="beside|scripts"):
        registry.load(_allowed(folder), _TORCH)
    assert not canary.exists()


def test_script_exchanged_after_the_look_at_it_does_not_run(
    write_bundle: WriteBundle, canary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from napari_medclf.backends.monai_bundle import load

    folder = _scripted(write_bundle, _HARMLESS)
    package = _allowed(folder)

    def exchange(path: Path) -> Any:
        (folder / "scripts/tiny.py").write_text(_SCRIPT.format(canary=str(canary)))
        return read_tensors(path)

    read_tensors = load.read_tensors
    monkeypatch.setattr(load, "read_tensors", exchange)
    with pytest.raises(CardError, match="its files changed"):
        registry.load(package, _TORCH)
    assert not canary.exists()


def test_macros_of_allowed_code_read_the_bundle_and_not_where_one_stands(
    write_bundle: WriteBundle, canary: Path
) -> None:
    """MONAI looks for ``%configs/net.json`` in the working folder, where another file may lie."""
    folder = _scripted(write_bundle, _HARMLESS, network_def="%configs/net.json::net")
    (folder / "configs/net.json").write_text(json.dumps({"net": {"_target_": "scripts.tiny.Tiny", "n": 2}}))
    (canary.parent / "configs").mkdir()
    evil = {"net": {"_target_": "os.system", "command": "touch canary"}}
    (canary.parent / "configs/net.json").write_text(json.dumps(evil))
    assert registry.load(_allowed(folder), _TORCH)
    assert not canary.exists()


def test_two_bundles_with_scripts_of_one_name_get_each_its_own(write_bundle: WriteBundle, canary: Path) -> None:
    import torch

    found = []
    for n in (2, 3):
        config = _config(network_def={"_target_": "scripts.tiny.Tiny"})
        state = {"layer.weight": torch.zeros(n, 1, 3, 3), "layer.bias": torch.zeros(n)}
        folder = write_bundle(
            config, {"network_data_format": {"outputs": {"pred": {"num_channels": n}}}}, state, f"b{n}"
        )
        (folder / "scripts").mkdir()
        text = _SCRIPT.format(canary=str(canary)).replace("__init__(self, n)", f"__init__(self, n={n})")
        (folder / "scripts/tiny.py").write_text(text)
        package = MonaiBundleBackend().read(folder)
        assert package.trust is not None
        remember_trust(package.trust, package.name)
        model: Any = registry.load(package, _TORCH)
        found.append(model.network(torch.zeros(1, 1, 8, 8)).shape[1])
    assert found == [2, 3]


def test_a_package_that_was_not_asked_about_does_not_run(write_bundle: WriteBundle, canary: Path) -> None:
    folder = write_bundle(_config(network_def={"_target_": "scripts.tiny.Tiny", "n": 2}), _METADATA, {})
    (folder / "scripts").mkdir()
    (folder / "scripts/tiny.py").write_text(_SCRIPT.format(canary=str(canary)))
    backend = MonaiBundleBackend()
    with pytest.raises(CardError, match="code that nobody was asked about"):
        backend.load(replace(backend.read(folder), trust=None), _TORCH)
    assert not canary.exists()


def test_code_that_lacks_a_package_says_which(write_bundle: WriteBundle, canary: Path) -> None:
    import torch

    folder = write_bundle(_config(network_def={"_target_": "scripts.tiny.Tiny"}), _METADATA, {"a": torch.ones(1)})
    (folder / "scripts").mkdir()
    (folder / "scripts/tiny.py").write_text("import a_package_that_is_nowhere\n")
    package = MonaiBundleBackend().read(folder)
    assert package.trust is not None
    remember_trust(package.trust, package.name)
    with pytest.raises((BackendUnavailable, CardError), match="a_package_that_is_nowhere|scripts") as refusal:
        registry.load(package, _TORCH)
    assert "\n" not in str(refusal.value)


def test_a_torchscript_program_asks_for_trust_whatever_it_is_called(write_bundle: WriteBundle) -> None:
    import torch

    folder = write_bundle(_config(), _METADATA)
    program = torch.jit.script(torch.nn.Conv2d(1, 2, 3, padding=1))
    torch.jit.save(program, str(folder / "models/model.pt"))
    package = MonaiBundleBackend().read(folder)
    assert package.trust is not None
    assert package.trust.what[0].startswith("the TorchScript program model.pt")
    with pytest.raises(NotTrusted):
        registry.load(package, _TORCH)
    remember_trust(package.trust, package.name)
    model: Any = registry.load(package, _TORCH)
    x = torch.randn(1, 1, 8, 8)
    assert torch.allclose(model.network(x), program(x), atol=1e-6)


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda state: dict(list(state.items())[:-1]), "are missing"),
        (lambda state: state | {"strange": next(iter(state.values()))}, "are unknown"),
        (lambda state: {name: value[:1] for name, value in state.items()}, "another shape"),
        (lambda state: {}, "."),
    ],
)
def test_weights_that_fit_in_part_are_refused(write_bundle: WriteBundle, damage: Any, reason: str) -> None:
    folder = write_bundle(_config(), _METADATA, damage(_state(_config())))
    backend = MonaiBundleBackend()
    with pytest.raises(CardError, match=reason) as refusal:
        backend.load(backend.read(folder), _TORCH)
    assert "\n" not in str(refusal.value)


def test_checkpoints_that_hold_the_network_under_a_name_are_read(write_bundle: WriteBundle) -> None:
    state = _state(_config())
    folder = write_bundle(_config(), _METADATA, {"model": state, "epoch": 3})
    backend = MonaiBundleBackend()
    model: Any = backend.load(backend.read(folder), _TORCH)
    name, value = next(iter(state.items()))
    assert model.network.state_dict()[name].equal(value)


def test_the_file_that_the_configuration_loads_is_the_one(write_bundle: WriteBundle) -> None:
    import torch

    state = {name: value + 1 for name, value in _state(_config()).items()}
    loader = {"_target_": "CheckpointLoader", "load_path": "$@bundle_root + '/models/fine.pt'", "load_dict": {}}
    folder = write_bundle(_config(handlers=[loader]), _METADATA, _state(_config()))
    torch.save(state, folder / "models/fine.pt")
    backend = MonaiBundleBackend()
    model: Any = backend.load(backend.read(folder), _TORCH)
    name, value = next(iter(state.items()))
    assert model.network.state_dict()[name].equal(value)


@pytest.mark.skipif(not hasattr(os, "symlink"), reason="this system has no links")
def test_links_out_of_the_bundle_are_refused(write_bundle: WriteBundle, tmp_path: Path) -> None:
    folder = write_bundle(_config(), _METADATA)
    secret = tmp_path / "secret.pt"
    secret.write_bytes(b"secret")
    (folder / "models/model.pt").unlink()
    (folder / "models/model.pt").symlink_to(secret)
    with pytest.raises(CardError, match="are missing"):
        MonaiBundleBackend().read(folder)


def test_parts_of_a_network_are_read_from_files_of_the_bundle_only(write_bundle: WriteBundle, tmp_path: Path) -> None:
    import torch

    from napari_medclf.domain.card import NetworkSpec
    from napari_medclf.engine.networks import build_network

    torch.save({"channels": [4, 8]}, tmp_path / "outside.pt")
    part = {"_item_": "channels", "_of_": {"_target_": "torch.load", "_args_": ["../outside.pt"]}}
    arguments = {key: value for key, value in _NETWORK.items() if key != "_target_"} | {"channels": part}
    spec = NetworkSpec(target="monai.networks.nets.UNet", arguments=arguments)
    folder = write_bundle(_config(), _METADATA)
    with pytest.raises(CardError, match="outside of the model's folder"):
        build_network(spec, folder)
    with pytest.raises(CardError, match="no folder to read it from"):
        build_network(spec)
    (folder / "outside.pt").write_bytes((tmp_path / "outside.pt").read_bytes())
    part["_of_"]["_args_"] = ["outside.pt"]  # type: ignore[index]
    assert build_network(spec, folder)


def test_a_dints_network_is_built_from_its_search_file(write_bundle: WriteBundle) -> None:
    """As multi_organ_segmentation and pancreas_ct_dints_segmentation describe theirs, but smaller."""
    import torch
    from monai.networks.nets import DiNTS, TopologyInstance

    rng = np.random.default_rng(0)
    arch_a = np.ones((2, 10), dtype=np.int64)
    arch_c = rng.integers(0, 5, (2, 10))
    node_a = np.ones((3, 4))
    space = {"channel_mul": 0.5, "num_blocks": 2, "num_depths": 4, "use_downsample": True}
    theirs = DiNTS(TopologyInstance(arch_code=[arch_a, arch_c], **space), 1, 3, use_downsample=True, node_a=node_a)
    config = {
        "arch_ckpt": "$torch.load(@bundle_root + '/models/search.pt', map_location=torch.device('cuda'))",
        "space": {
            "_target_": "TopologyInstance",
            **space,
            "arch_code": ["$@arch_ckpt['arch_code_a']", "$@arch_ckpt['arch_code_c']"],
            "device": "$torch.device('cuda')",
        },
        "network_def": {
            "_target_": "DiNTS",
            "dints_space": "@space",
            "in_channels": 1,
            "num_classes": 3,
            "use_downsample": True,
            "node_a": "$@arch_ckpt['node_a']",
        },
        "inferer": {"_target_": "SlidingWindowInferer", "roi_size": [32, 32, 32]},
    }
    folder = write_bundle(_config(**config), {}, theirs.state_dict())
    torch.save({"arch_code_a": arch_a, "arch_code_c": arch_c, "node_a": node_a}, folder / "models/search.pt")
    backend = MonaiBundleBackend()
    package = backend.read(folder)
    assert package.trust is None
    model: Any = backend.load(package, _TORCH)
    x = torch.randn(1, 1, 32, 32, 32)
    with torch.no_grad():
        assert torch.allclose(model.network(x), theirs.eval()(x), atol=1e-4)


def test_our_own_packages_are_left_to_their_backend(write_bundle: WriteBundle) -> None:
    folder = write_bundle(_config(), {"napari_medclf": {}})
    assert not MonaiBundleBackend().recognises(folder)


def test_prediction_of_a_small_bundle_lies_on_the_images_grid(write_bundle: WriteBundle) -> None:
    folder = write_bundle(_config(), _METADATA, _state(_config()))
    backend = MonaiBundleBackend()
    model = backend.load(backend.read(folder), _TORCH)
    data = np.random.default_rng(2).integers(0, 255, (1, 21, 30)).astype(np.uint8)
    outcome = drive(model.predict(MedImage(data, Geometry.flat(21, 30), "picture")))
    assert outcome.result is not None
    assert outcome.result.segmentation is not None
    assert outcome.result.segmentation.labels.shape == (1, 21, 30)
