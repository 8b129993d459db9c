"""Parts of a network that its description nests: other networks, and arrays in files beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch

from napari_medclf.domain.errors import CardError

TARGET, POSITIONAL, ITEM, OF, CONSTANT = "_target_", "_args_", "_item_", "_of_", "_constant_"
"""Keys by which a description in a card tells a part from a plain dict."""

_DTYPES = {
    name: getattr(torch, name) for name in ("float16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8")
}
_MOST_NESTED = 20

Build = Callable[[str, list[Any], dict[str, Any]], Any]


def resolve_parts(value: Any, build: Build, folder: Path | None, depth: int = 0) -> Any:
    """Turn the described parts in a network's arguments into what they describe.

    Parameters
    ----------
    value : Any
        Plain JSON values; ``{"_target_": name, "_args_": [...], ...}`` is a part, ``{"_item_": key, "_of_": part}`` an
        entry of one, ``{"_constant_": "torch.float32"}`` a name.
    build : callable
        Makes a network of an allowed name from its arguments.
    folder : Path or None
        Files are read below it only; None for descriptions that have none.

    Raises
    ------
    CardError
        If a part is not on the list, a file lies elsewhere, or an entry is not there.
    """
    if depth > _MOST_NESTED:
        raise CardError("The description of the network nests its parts too deeply.")
    if isinstance(value, list):
        return [resolve_parts(one, build, folder, depth + 1) for one in value]
    if not isinstance(value, dict):
        return value
    if CONSTANT in value:
        return _constant(value[CONSTANT])
    if ITEM in value:
        return _entry(resolve_parts(value.get(OF), build, folder, depth + 1), value[ITEM])
    inside = {name: resolve_parts(one, build, folder, depth + 1) for name, one in value.items() if name != TARGET}
    if TARGET not in value:
        return inside
    positional = inside.pop(POSITIONAL, [])
    return _make(str(value[TARGET]), positional, inside, build, folder)


def _make(target: str, positional: list[Any], arguments: dict[str, Any], build: Build, folder: Path | None) -> Any:
    if target == "torch.device":
        return "cpu"  # where a network computes is chosen when it is placed
    if target == "torch.load":
        return _read(positional[0] if positional else arguments.get("f"), folder)
    if target in ("torch.from_numpy", "torch.tensor"):
        return torch.as_tensor(positional[0] if positional else arguments.get("data"))
    return build(target, positional, arguments)


def _read(name: Any, folder: Path | None) -> Any:
    from napari_medclf.engine.weights import read_checkpoint

    if folder is None or not isinstance(name, str):
        raise CardError(f"The network is described with the file {name!r}, and there is no folder to read it from.")
    path = folder / name
    try:
        if not path.resolve().is_relative_to(folder.resolve()):
            raise CardError(f"{folder}: its network reads {name!r}, which is outside of the model's folder.")
        if not path.is_file():
            raise CardError(f"{folder}: the file {Path(name).as_posix()}, which describes its network, is missing.")
    except (OSError, ValueError, RuntimeError) as error:  # a name that is too long, a loop of links
        raise CardError(f"{folder}: its network reads {name[:200]!r}, which is no path.") from error
    return read_checkpoint(path)


def _entry(of: Any, key: Any) -> Any:
    is_there = (isinstance(of, Mapping) and key in of) or (isinstance(of, (list, tuple)) and isinstance(key, int))
    try:
        if is_there:
            return of[key]
    except IndexError:
        pass
    raise CardError(f"The network is described by an entry {key!r} of a file, which is not in it.")


def _constant(name: Any) -> torch.dtype:
    module, _, short = str(name).rpartition(".")
    if module not in ("torch", "np", "numpy") or short not in _DTYPES:
        raise CardError(f"The network is described with {name!r}, which is no type of numbers that is known here.")
    return _DTYPES[short]
