"""Steps and arguments of a described chain, as plain values."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from napari_medclf.domain.errors import CardError
from napari_medclf.store.monai_config.pieces import Code, Component


def steps_of(value: Any) -> Iterator[Component]:
    """List the transforms of a chain, those of a ``Compose`` within it, too.

    Raises
    ------
    CardError
        If a part of it is an expression that this program does not understand.
    """
    if value is None:
        return
    if isinstance(value, Code):
        raise CardError(
            f"The chain of transforms at {value.where} is an expression that is not evaluated here: {value.text}. "
            "Give a card that says what the network takes, as medclf.json beside the bundle."
        )
    if isinstance(value, Component) and value.short_name == "Compose":
        inside = value.arguments.get("transforms", value.positional[0] if value.positional else None)
        yield from steps_of(inside)
    elif isinstance(value, Component):
        yield value
    elif isinstance(value, (list, tuple)):
        for one in value:
            yield from steps_of(one)


def numbers(value: Any, what: str) -> tuple[float, ...]:
    """Take a list of numbers.

    Raises
    ------
    CardError
        If it holds something else.
    """
    if isinstance(value, (list, tuple)) and all(_is_number(one) for one in value) and value:
        return tuple(float(one) for one in value)
    raise CardError(f"The configuration gives {value!r} as {what}; numbers were expected.")


def number(value: Any, what: str) -> float:
    """Take one number; of a list, the only one.

    Raises
    ------
    CardError
        If it is something else.
    """
    return numbers(value if isinstance(value, list) else [value], what)[0]


def truth(value: Any) -> bool:
    """Read a yes or no, also from the strings that some bundles write."""
    return value.strip().casefold() == "true" if isinstance(value, str) else bool(value)


def text_of(value: Any) -> str:
    """Take a word; of a list, the first."""
    first = value[0] if isinstance(value, list) and value else value
    return str(first).casefold() if not isinstance(first, str) else first.strip().lower()


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
