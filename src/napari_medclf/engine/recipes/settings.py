"""Every setting of a recipe with its help and limits, for `medclf recipes show`, for forms and for the docs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from inspect import cleandoc
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from napari_medclf.domain.recipe import Recipe

_NOT_CHANGED = ("schema_version", "family")
_HEAD = re.compile(r"^(\w[\w, ]*?) : ")


@dataclass(frozen=True)
class SettingInfo:
    """One setting.

    Parameters
    ----------
    path : str
        The dotted name that ``--set`` takes.
    kind : str
        ``bool``, ``int``, ``float``, ``str``, ``list`` or ``dict``.
    value : Any
        What the recipe has, as plain JSON.
    minimum, maximum : float or None
        Limits; None for none.
    choices : tuple of str
        What it may be; empty for anything of its kind.
    help : str
        What it means.
    """

    path: str
    kind: str
    value: Any
    minimum: float | None
    maximum: float | None
    choices: tuple[str, ...]
    help: str


def settings_of(recipe: Recipe, arguments: Mapping[str, str] | None = None) -> tuple[SettingInfo, ...]:
    """List the settings of a recipe in their order.

    Parameters
    ----------
    arguments : dict or None
        Meaning of arguments of the network (`RecipeFamily.arguments`), which have no other description.
    """
    said = arguments or {}
    ours = tuple(_of_network(recipe, said))
    return (*ours, *(one for one in _walk(recipe, "") if not one.path.startswith("network.")))


def _of_network(recipe: Recipe, said: Mapping[str, str]) -> Iterator[SettingInfo]:
    for name, value in recipe.network.arguments.items():
        path = f"network.arguments.{name}"
        yield SettingInfo(path, _kind(value), value, None, None, (), said.get(name, "an argument of the network"))


def _walk(model: BaseModel, before: str) -> Iterator[SettingInfo]:
    helps = _helps(type(model))
    for name, info in type(model).model_fields.items():
        value = getattr(model, name)
        if before == "" and name in _NOT_CHANGED:
            continue
        if isinstance(value, BaseModel):
            yield from _walk(value, f"{before}{name}.")
        else:
            yield _describe(f"{before}{name}", value, info, helps.get(name, ""))


def _describe(path: str, value: Any, info: FieldInfo, said: str) -> SettingInfo:
    limits = {key: getattr(one, key) for one in info.metadata for key in ("ge", "gt", "le", "lt") if hasattr(one, key)}
    is_choice = get_origin(info.annotation) is Literal
    choices = tuple(map(str, get_args(info.annotation))) if is_choice else ()
    low, high = limits.get("ge", limits.get("gt")), limits.get("le", limits.get("lt"))
    plain = _plain(value)
    return SettingInfo(path, _kind(plain), plain, low, high, choices, said)


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    return [_plain(one) for one in value] if isinstance(value, (tuple, list)) else value


def _kind(value: Any) -> str:
    return "str" if value is None else type(value).__name__


@cache
def _helps(model: type[BaseModel]) -> dict[str, str]:
    """Read what a class says of its fields: the section Parameters of its docstring."""
    found: dict[str, list[str]] = {}
    names: list[str] = []
    _, _, section = cleandoc(model.__doc__ or "").partition("Parameters\n----------\n")
    for line in section.splitlines():
        head = _HEAD.match(line)
        if head:
            names = [name.strip() for name in head[1].split(",")]
            found |= {name: [] for name in names}
        elif line.startswith(" "):
            for name in names:
                found[name].append(line.strip())
        elif line:
            break
    return {name: " ".join(lines) for name, lines in found.items()}
