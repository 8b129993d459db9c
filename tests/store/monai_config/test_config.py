"""References, macros and expressions, compared with what MONAI's own parser makes of harmless ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from napari_medclf.domain.errors import CardError
from napari_medclf.store.monai_config.config import Config, read_config
from napari_medclf.store.monai_config.pieces import Code, Component, Constant, Item, iter_code

_HARMLESS: dict[str, Any] = {
    "bundle_root": ".",
    "flag": True,
    "size": [96, 64, 32],
    "labels": {"background": 0, "liver": 1},
    "deep": {"highres": True, "spacing": [1.5, 3.0], "list": [{"x": 4}]},
    "by_reference": "@size",
    "inside": "@deep::list::0::x",
    "inside_old": "@deep#spacing#1",
    "number": "$len(@labels) + 1",
    "path": "$@bundle_root + '/models/' + @model",
    "joined": "$os.path.join(@bundle_root, 'models', @model)",
    "model": "$'model.pt' if @deep#highres else 'low.pt'",
    "choice": "$[1.5, 1.5, 1.5] if @flag else [3.0, 3.0, 3.0]",
    "overlap": "$1.0 - float(80) / float(270)",
    "padding": "$((270 - 80) // 2,) * 4",
    "ranges": "$list(range(3, 6)) + [9]",
    "slice": "$@size[1:]",
    "not": "$not @flag",
    "compare": "$1 < len(@size) <= 3 and 'liver' in @labels",
    "power": "$2 ** 5 // 3",
    "nested": {"a": "$@size[0] * 2", "b": ["@flag", "plain @size text"]},
    "email": "someone@example.org",
}


def _config(content: dict[str, Any], folder: Path = Path()) -> Config:
    return Config(content, folder)


@pytest.fixture(scope="module")
def monais() -> Any:
    import os

    from monai.bundle import ConfigParser

    return ConfigParser(json.loads(json.dumps(_HARMLESS)), globals={"os": os})


@pytest.mark.parametrize("name", sorted(_HARMLESS))
def test_harmless_values_are_those_of_monais_parser(monais: Any, name: str) -> None:
    theirs = monais.get_parsed_content(name)
    assert json.loads(json.dumps(_config(_HARMLESS).describe(name))) == json.loads(json.dumps(theirs))


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("UNet", "monai.networks.nets.UNet"),
        ("monai.networks.nets.unet.UNet", "monai.networks.nets.UNet"),
        ("LoadImaged", "monai.transforms.LoadImage"),
        ("monai.transforms.Spacingd", "monai.transforms.Spacing"),
        ("SlidingWindowInferer", "monai.inferers.SlidingWindowInferer"),
        ("RetinaNet", "monai.apps.detection.networks.retinanet_network.RetinaNet"),
    ],
)
def test_classes_by_any_of_their_names_are_one_component(target: str, expected: str) -> None:
    found = _config({"x": {"_target_": target, "a": "@n", "_desc_": "text"}, "n": 3}).describe("x")
    assert found == Component(expected, {"a": 3}, is_allowed=True, where="x")


def test_a_network_that_is_moved_to_a_device_is_the_network() -> None:
    config = _config(
        {"network_def": {"_target_": "UNet"}, "device": "cpu", "network": "$@network_def.to(@device).eval()"}
    )
    assert config.describe("network") == config.describe("network_def")


def test_calls_on_the_list_are_described_and_not_made() -> None:
    config = _config(
        {
            "backbone": "$monai.networks.nets.resnet.resnet50(spatial_dims=3, conv1_t_stride=[2, 2, 1])",
            "file": "$@bundle_root + '/models/search_code.pt'",
            "arch": "$torch.load(@file, map_location=torch.device('cuda'))",
            "node": "$torch.from_numpy(@arch['node_a'])",
        }
    )
    assert config.describe("backbone") == Component(
        "monai.networks.nets.resnet50",
        {"spatial_dims": 3, "conv1_t_stride": [2, 2, 1]},
        is_allowed=True,
        where="backbone",
    )
    node = config.describe("node")
    assert node.target == "torch.from_numpy"
    assert isinstance(node.positional[0], Item)
    assert node.positional[0].of.positional == ("./models/search_code.pt",)


@pytest.mark.parametrize(("text", "name"), [("$torch.float32", "torch.float32"), ("$np.uint8", "np.uint8")])
def test_names_of_types_are_constants(text: str, name: str) -> None:
    assert _config({"x": text}).describe("x") == Constant(name)


@pytest.mark.parametrize(
    "text",
    [
        "$__import__('os').system('touch canary')",
        "$import os",
        "$open('canary', 'w')",
        "$(lambda: open('canary', 'w'))()",
        "$[open('canary', 'w') for _ in range(1)]",
        "$().__class__.__base__.__subclasses__()",
        "$@network_def.__init__.__globals__",
        "$torch.hub.load('a', 'b')",
        "$torch.load.__globals__",
        "$os.system('touch canary')",
        "$getattr(1, 'real')",
        "$f'{1}'",
        "$'%1000000000d' % 1",
        "$'a' * 10 ** 10",
        "$9 ** 9 ** 9",
        "$[0] * 10 ** 9",
        "$list(range(10 ** 9))",
        "$" + "(" * 500 + ")" * 500,
        "$" + "-" * 1900 + "1",
        "$1 +" * 800 + " 1",
        "$(yield)",
        "$(x := 1)",
        "$*[1]",
        "$1 / 0",
        "$[1][5]",
        "$@not_there + 1",
        "$b'bytes'",
        "$",
    ],
)
def test_everything_else_stays_text(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    config = _config({"x": text, "network_def": {"_target_": "UNet"}})
    assert config.describe("x") == Code("x", text)
    assert list(iter_code({"y": [config.describe("x")]})) == [f"x: {text}"]
    assert not (tmp_path / "canary").exists()


@pytest.mark.parametrize(
    "target",
    [
        "pprint.pprint",
        "os.system",
        "scripts.networks.unest.UNesT",
        "evil.monai.networks.nets.UNet",
        "monai.bundle.run",
        "monai.networks.nets.os",
        "builtins.eval",
        "subprocess.Popen",
    ],
)
def test_classes_off_the_list_are_told(target: str) -> None:
    found = _config({"x": {"_target_": target}}).describe("x")
    assert not found.is_allowed
    assert list(iter_code(found)) == [f"x: {target}"]


def test_targets_that_are_computed_and_debug_mode_are_told() -> None:
    config = _config({"x": {"_target_": "$__import__"}, "y": {"_target_": "UNet", "_mode_": "debug"}})
    assert list(iter_code(config.describe("x"))) == ["x::_target_: $__import__"]
    assert list(iter_code(config.describe("y"))) == ["y: monai.networks.nets.UNet"]


def test_disabled_parts_are_marked() -> None:
    raw = {"raw": False, "same": "$(not @raw)", "x": [{"_target_": "Spacingd", "_disabled_": "@same"}]}
    assert _config(raw).describe("x")[0].is_disabled


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ({"x": "@y", "y": "@x"}, "from within"),
        ({"x": ["@x"]}, "from within"),
        ({"x": "@nothing"}, "does not hold"),
        ({"x": "@y::5", "y": [1]}, "does not hold"),
        ({"x": "%../secret.json::a"}, "outside of the bundle"),
        ({"x": "%/etc/secret.json::a"}, "outside of the bundle"),
    ],
)
def test_references_that_lead_nowhere_are_refused(tmp_path: Path, content: dict[str, Any], reason: str) -> None:
    (tmp_path / "secret.json").write_text('{"a": 1}')
    bundle = tmp_path / "bundle"
    bundle.mkdir()
    with pytest.raises(CardError, match=reason):
        _config(content, bundle).describe("x")


def test_macros_copy_from_the_file_itself_and_from_others_of_the_bundle(tmp_path: Path) -> None:
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs/other.json").write_text('{"net": {"_target_": "UNet", "channels": [4, 8]}}')
    config = _config({"a": "%b::0", "b": [{"c": 1}], "net": "%configs/other.json::net"}, tmp_path)
    assert config.describe("a") == {"c": 1}
    assert config.describe("net").arguments == {"channels": [4, 8]}


def test_relative_references_start_where_they_stand() -> None:
    config = _config({"a": {"b": {"c": "@##d", "e": "@#f", "f": 2}, "d": 1}})
    assert config.describe("a") == {"b": {"c": 1, "e": 2, "f": 2}, "d": 1}


def test_bundle_root_is_the_bundle_wherever_its_author_kept_it(tmp_path: Path) -> None:
    path = tmp_path / "inference.json"
    path.write_text('{"bundle_root": "/workspace/x", "ckpt": "$@bundle_root + \'/models/model.pt\'"}')
    assert read_config(path, tmp_path).describe("ckpt") == "./models/model.pt"
