"""Settings that a person changes in a planned recipe: ``optimiser.lr=0.001``."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError

from napari_medclf.domain.errors import OptionError, unknown_choice
from napari_medclf.domain.recipe import Recipe

_FREE = "network.arguments"
"""What stands below it belongs to the network, which checks it when it is built."""


def with_settings(recipe: Recipe, settings: Sequence[str]) -> Recipe:
    """Change settings of a recipe.

    Parameters
    ----------
    settings : sequence of str
        ``name=value`` with the dotted name of a setting; values are JSON or plain words, and lists are written
        ``32,64`` or ``[32, 64]``. A piece without ``=`` goes on with the list before it, as the command line cuts
        at commas.

    Raises
    ------
    OptionError
        If a name is no setting, or a value does not fit it.
    """
    if not settings:
        return recipe
    values = recipe.model_dump(mode="json")
    names = [name for name, _ in _pairs(settings)]
    for name, text in _pairs(settings):
        _check_name(recipe, name)
        _put(values, name.split("."), _parse(text))
    if "input.resize_to" in names and "input.patch_vox" not in names:  # a whole image is one patch
        values["input"]["patch_vox"] = values["input"]["resize_to"]
    try:
        return Recipe.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        raise OptionError(f"The setting {'.'.join(map(str, first['loc']))} is wrong: {first['msg']}.") from error


def setting_names(model: BaseModel, before: str = "") -> Iterator[str]:
    """List the dotted names of all settings, in their order."""
    for name in type(model).model_fields:
        value = getattr(model, name)
        if isinstance(value, BaseModel):
            yield from setting_names(value, f"{before}{name}.")
        else:
            yield f"{before}{name}"


def _pairs(settings: Sequence[str]) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for piece in settings:
        name, sign, text = piece.partition("=")
        if sign:
            pairs.append((name.strip(), text.strip()))
        elif pairs:
            pairs[-1] = (pairs[-1][0], f"{pairs[-1][1]},{piece.strip()}")
        else:
            raise OptionError(f"{piece!r} is no setting. Write it as name=value, such as optimiser.lr=0.001.")
    return pairs


def _check_name(recipe: Recipe, name: str) -> None:
    known = tuple(setting_names(recipe))
    is_of_network = name.startswith(f"{_FREE}.") and len(name) > len(_FREE) + 1
    if name not in known and not is_of_network:
        raise OptionError(unknown_choice("setting", name, known))


def _parse(text: str) -> Any:
    """Read JSON, a list without brackets, or a word."""
    for written in (text, f"[{text}]" if "," in text else text, text.lower()):
        try:
            return json.loads(written)
        except ValueError:
            continue
    return None if text.lower() == "none" else text


def _put(values: dict[str, Any], path: Sequence[str], value: Any) -> None:
    *parents, last = path
    inner = values
    for name in parents:
        inner = inner.setdefault(name, {})
        if not isinstance(inner, Mapping):
            raise OptionError(f"The setting {'.'.join(path)} goes deeper than {name}, which is a plain value.")
    inner[last] = value
