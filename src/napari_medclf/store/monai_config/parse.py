"""Parse a JSON or YAML file that nobody vouches for, within limits."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from napari_medclf.domain.errors import CardError

MAX_BYTES = 5_000_000
MAX_DEPTH = 60
MAX_ITEMS = 200_000
SUFFIXES = (".json", ".yaml", ".yml")


def read_file(path: Path) -> Any:
    """Read plain values (dict, list, str, numbers, None) from a JSON or YAML file.

    Raises
    ------
    CardError
        If it cannot be read, is larger or nested deeper than a configuration is, names a key twice, or has a YAML
        tag: tags make objects of any class.

    Notes
    -----
    YAML aliases repeat content; nine of them in nine lines grow to gigabytes. So items are counted as often as they
    are repeated, before anything walks over them.
    """
    text = _read_text(path)
    try:
        content = _parse_json(text) if path.suffix == ".json" else _parse_yaml(text)
    except RecursionError:
        raise CardError(f"{path}: is nested too deeply for a configuration.") from None
    except (ValueError, TypeError) as error:
        raise CardError(f"{path}: {_one_line(error)}.") from error
    if not isinstance(content, dict):
        raise CardError(f"{path}: holds no named values, so that it is no configuration.")
    try:
        _count(content, 0, {}, set())
    except ValueError as error:
        raise CardError(f"{path}: {error}.") from error
    return content


def _read_text(path: Path) -> str:
    try:
        if not path.is_file():
            raise CardError(f"{path}: is no file.")
        if path.stat().st_size > MAX_BYTES:
            raise CardError(f"{path}: has {path.stat().st_size} bytes, far more than a configuration needs.")
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise CardError(f"{path}: cannot be read ({error.strerror or error}).") from error
    except UnicodeDecodeError as error:
        raise CardError(f"{path}: is no text.") from error


def _parse_json(text: str) -> Any:
    return json.loads(text, object_pairs_hook=_unique)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"names {key!r} twice")
        found[key] = value
    return found


def _parse_yaml(text: str) -> Any:
    import yaml

    class _Loader(yaml.SafeLoader):
        """Only plain values; PyYAML's own silently keeps the last of two equal keys."""

        def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
            keys = [self.construct_object(key, deep=True) for key, _ in node.value if key.tag != _MERGE_TAG]
            for key in keys:
                if keys.count(key) > 1:
                    raise ValueError(f"names {key!r} twice")
            return super().construct_mapping(node, deep)

    try:
        return yaml.load(text, _Loader)  # noqa: S506  (a SafeLoader)
    except yaml.YAMLError as error:
        raise ValueError(f"is not plain YAML ({_one_line(error)})") from error


_MERGE_TAG = "tag:yaml.org,2002:merge"


def _count(value: Any, depth: int, known: dict[int, int], above: set[int]) -> int:
    """Number of items in a value, each as often as it is repeated."""
    if depth > MAX_DEPTH:
        raise ValueError("is nested too deeply for a configuration")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("holds a number that is not finite")
    if not isinstance(value, (dict, list)):
        return 1
    if id(value) in above:
        raise ValueError("contains itself")
    if id(value) not in known:
        each = value.values() if isinstance(value, dict) else value
        inside = above | {id(value)}
        known[id(value)] = 1 + sum(_count(one, depth + 1, known, inside) for one in each)
    if known[id(value)] > MAX_ITEMS:
        raise ValueError(f"grows to more than {MAX_ITEMS} items")
    return known[id(value)]


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200].rstrip(".")
