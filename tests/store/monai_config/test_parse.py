"""Configurations that nobody vouches for: read within limits, or refused in one sentence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from napari_medclf.domain.errors import CardError
from napari_medclf.store.monai_config.parse import MAX_BYTES, read_file

_BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12)
)


def _write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_json_and_yaml_give_the_same_values(tmp_path: Path) -> None:
    content = {"a": [1, 2.5, None, True, "x"], "b": {"_target_": "UNet"}}
    as_json = _write(tmp_path, "a.json", json.dumps(content))
    as_yaml = _write(tmp_path, "a.yaml", "a: [1, 2.5, null, true, x]\nb:\n  _target_: UNet\n")
    assert read_file(as_json) == read_file(as_yaml) == content


def test_yaml_anchors_are_followed(tmp_path: Path) -> None:
    path = _write(tmp_path, "a.yaml", "base: &base {keys: image}\nfirst: *base\nsecond: {<<: *base, x: 1}\n")
    assert read_file(path)["second"] == {"keys": "image", "x": 1}


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("a.yaml", "a: !!python/object/apply:os.system ['touch canary']\n", "not plain YAML"),
        ("a.yaml", "a: !!python/name:os.system\n", "not plain YAML"),
        ("a.yaml", "a: !mine 1\n", "not plain YAML"),
        ("a.yaml", _BOMB, "grows to more than"),
        ("a.yaml", "a: &a [*a]\n", "contains itself"),
        ("a.yaml", "a: 1\na: 2\n", "names 'a' twice"),
        ("a.yaml", "a: [1, 2\n", "not plain YAML"),
        ("a.yaml", "? [1, 2]\n: 3\n", "."),
        ("a.yaml", "a: 1\n---\nb: 2\n", "not plain YAML"),
        ("a.json", '{"a": 1, "a": 2}', "names 'a' twice"),
        ("a.json", '{"a": NaN}', "not finite"),
        ("a.json", '{"a": 1', "."),
        ("a.json", "", "."),
        ("a.json", "[1, 2]", "no named values"),
        ("a.json", "[" * 100_000, "nested too deeply"),
        ("a.json", '{"a":' + "[" * 80 + "]" * 80 + "}", "nested too deeply"),
        ("a.json", " " * (MAX_BYTES + 1), "far more than a configuration needs"),
    ],
)
def test_what_is_no_plain_configuration_is_refused(tmp_path: Path, name: str, text: str, reason: str) -> None:
    path = _write(tmp_path, name, text)
    with pytest.raises(CardError) as refusal:
        read_file(path)
    sentence = str(refusal.value)
    assert reason in sentence
    assert name in sentence
    assert "\n" not in sentence
    assert not (tmp_path / "canary").exists()


def test_bytes_that_are_no_text_and_missing_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b"\xff\xfe\x00\x81")
    with pytest.raises(CardError, match="is no text"):
        read_file(tmp_path / "a.json")
    with pytest.raises(CardError, match="is no file"):
        read_file(tmp_path / "b.json")
