"""Options as frozen dataclasses whose fields know their help, unit and limits.

The command line builds its flags and the window its form from `option_fields`, so both agree.
"""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from collections.abc import Sequence
from dataclasses import MISSING, dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from napari_medclf.domain.errors import OptionError, unknown_choice

_KEY = "medclf"


@dataclass(frozen=True)
class OptionInfo:
    """What a form or a flag needs to know of one option.

    `kind` is the plain type: bool, int, float, str, Path or an Enum; `is_many` a tuple of them;
    `is_optional` that None is allowed (and means what `help` says).
    """

    name: str
    kind: type
    default: Any
    help: str
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    is_many: bool = False
    is_optional: bool = False
    is_positional: bool = False
    is_advanced: bool = False

    @property
    def is_required(self) -> bool:
        """Whether a person must give it."""
        return self.default is MISSING

    @property
    def flag(self) -> str:
        """The flag of the command line, such as ``--max-minutes``; ``class_`` is ``--class``."""
        return "--" + self.name.rstrip("_").replace("_", "-")


def option(
    default: Any = MISSING,
    *,
    help: str,
    unit: str = "",
    minimum: float | None = None,
    maximum: float | None = None,
    choices: Sequence[str] = (),
    positional: bool = False,
    advanced: bool = False,
) -> Any:
    """Declare a field of an options dataclass; like `dataclasses.field`."""
    metadata = {
        _KEY: {
            "help": help,
            "unit": unit,
            "minimum": minimum,
            "maximum": maximum,
            "choices": tuple(choices),
            "is_positional": positional,
            "is_advanced": advanced,
        }
    }
    if default is MISSING:
        return dataclasses.field(metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


def option_fields(options: type[Any]) -> tuple[OptionInfo, ...]:
    """List the options of a dataclass in their order."""
    hints = typing.get_type_hints(options)
    return tuple(
        OptionInfo(name=field.name, default=field.default, **_read_type(hints[field.name]), **field.metadata[_KEY])
        for field in dataclasses.fields(options)
        if _KEY in field.metadata
    )


def check_options(options: Any) -> None:
    """Refuse values outside their limits; call it from ``__post_init__``.

    Raises
    ------
    OptionError
        Naming the option, its value and its limits.
    """
    for info in option_fields(type(options)):
        value = getattr(options, info.name)
        if value is None:
            continue
        if info.choices:
            for one in value if info.is_many else (value,):
                if str(one) not in info.choices:
                    raise OptionError(unknown_choice(info.flag + " choice", str(one), info.choices))
        for one in value if isinstance(value, tuple) else (value,):
            if isinstance(one, float) and not math.isfinite(one):
                raise OptionError(f"{info.flag} is {one}, which is no finite number.")
        too_low = info.minimum is not None and value < info.minimum
        too_high = info.maximum is not None and value > info.maximum
        if too_low or too_high:
            raise OptionError(
                f"{info.flag} is {value}{info.unit and ' ' + info.unit}, but must be "
                f"{_limits(info)}{info.unit and ' ' + info.unit}."
            )


def _limits(info: OptionInfo) -> str:
    if info.maximum is None:
        return f"at least {info.minimum:g}"
    if info.minimum is None:
        return f"at most {info.maximum:g}"
    return f"between {info.minimum:g} and {info.maximum:g}"


def _read_type(hint: Any) -> dict[str, Any]:
    is_optional = is_many = False
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        kinds = [kind for kind in typing.get_args(hint) if kind is not type(None)]
        is_optional = True
        hint = kinds[0]
    if typing.get_origin(hint) is tuple:
        is_many = True
        hint = typing.get_args(hint)[0]
    if not (hint in (bool, int, float, str, Path) or (isinstance(hint, type) and issubclass(hint, Enum))):
        raise TypeError(f"an option cannot be a {hint!r}")
    return {"kind": hint, "is_optional": is_optional, "is_many": is_many}
