"""Build the flags of a command from its options dataclass, and the options from the flags."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar

from napari_medclf.domain.errors import unknown_choice
from napari_medclf.domain.options import OptionInfo, option_fields

Options = TypeVar("Options")


def add_flags(parser: argparse.ArgumentParser, options: type[Any]) -> None:
    """Give a parser one argument an option; advanced ones stand in a group of their own.

    Lists of words are comma-separated and may be repeated (``--format nifti,png``), lists of paths
    are repeated, and a switch that is on by default gets a ``--no-`` form.
    """
    advanced: argparse._ArgumentGroup | None = None
    for info in option_fields(options):
        if info.is_positional:
            _add_positional(parser, info)
            continue
        if info.is_advanced and advanced is None:
            advanced = parser.add_argument_group("advanced options")
        _add_flag(advanced if advanced is not None and info.is_advanced else parser, info)


def read_flags(namespace: argparse.Namespace, options: type[Options]) -> Options:
    """Build the options from parsed arguments; what was not given keeps its default.

    Raises
    ------
    OptionError
        If a value is outside its limits.
    """
    values: dict[str, Any] = {}
    for info in option_fields(options):
        given = getattr(namespace, info.name, None)
        if given is None or (info.is_many and not given and not info.is_required):
            continue
        values[info.name] = tuple(given) if info.is_many else given
    return options(**values)


def _add_positional(parser: argparse.ArgumentParser, info: OptionInfo) -> None:
    nargs: str | None = None
    if info.is_many:
        nargs = "+" if info.is_required else "*"
    elif not info.is_required:
        nargs = "?"
    parser.add_argument(info.name, nargs=nargs, type=_converter(info), metavar=info.name.upper(), help=_describe(info))


def _add_flag(group: argparse._ActionsContainer, info: OptionInfo) -> None:
    common: dict[str, Any] = {"dest": info.name, "help": _describe(info)}
    if info.kind is bool:
        action: Any = argparse.BooleanOptionalAction if info.default is True else "store_true"
        group.add_argument(info.flag, action=action, default=None, **common)
        return
    common |= {"required": info.is_required, "type": _converter(info), "metavar": _placeholder(info)}
    if info.is_many:
        common["action"] = "append" if info.kind is Path else "extend"
    group.add_argument(info.flag, **common)


def _converter(info: OptionInfo) -> Callable[[str], Any]:
    choices = _choices(info)

    def convert(text: str) -> Any:
        if choices and text not in choices:
            raise argparse.ArgumentTypeError(unknown_choice("choice", text, choices))
        try:
            return info.kind(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is not {_PLAIN_NAMES[info.kind]}.") from None

    def convert_list(text: str) -> list[Any]:
        return [convert(part.strip()) for part in text.split(",") if part.strip()]

    is_word_list = info.is_many and not info.is_positional and info.kind is not Path
    return convert_list if is_word_list else convert


_PLAIN_NAMES: dict[type, str] = {int: "a whole number", float: "a number", str: "a word", Path: "a path"}
_PLACEHOLDERS: dict[type, str] = {int: "N", float: "X", str: "NAME", Path: "PATH"}


def _choices(info: OptionInfo) -> tuple[str, ...]:
    if issubclass(info.kind, Enum):
        return info.choices or tuple(str(one.value) for one in info.kind)
    return info.choices


def _placeholder(info: OptionInfo) -> str:
    choices = _choices(info)
    return "|".join(choices) if choices else info.unit.upper() or _PLACEHOLDERS[info.kind]


def _describe(info: OptionInfo) -> str:
    default = info.default
    shows_default = not (default is dataclasses.MISSING or default is None or default in ((), "") or info.kind is bool)
    if not shows_default:
        return info.help.replace("%", "%%")
    text = default.value if isinstance(default, Enum) else ",".join(map(str, default)) if info.is_many else default
    return f"{info.help} (default: {text}{' ' + info.unit if info.unit else ''})".replace("%", "%%")
