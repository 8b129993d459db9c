"""What a configuration describes, once its references are followed; nothing of it is called."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Component:
    """A class or function with its arguments: what ``_target_`` would call, or a call in an expression.

    Parameters
    ----------
    target : str
        A full dotted name such as ``monai.networks.nets.UNet`` where it is known; else as it was written.
    arguments : dict
        By name; values are plain, or pieces.
    positional : tuple
        Arguments without a name; only calls in expressions have them.
    is_disabled : bool
        Whether ``_disabled_`` leaves it out.
    is_allowed : bool
        Whether it is on the list of what this program understands.
    """

    target: str
    arguments: dict[str, Any] = field(default_factory=dict)
    positional: tuple[Any, ...] = ()
    is_disabled: bool = False
    is_allowed: bool = False
    where: str = ""

    @property
    def short_name(self) -> str:
        """Its last part: ``UNet``; transforms of dictionaries lose their ``d``: ``Spacing``."""
        return self.target.rpartition(".")[2]


@dataclass(frozen=True)
class Item:
    """One entry of what a component returns: ``@arch_ckpt['node_a']``."""

    of: Component
    key: str | int


@dataclass(frozen=True)
class Constant:
    """A name that stands for a value of another package, such as ``torch.float32``."""

    name: str


@dataclass(frozen=True)
class Code:
    """An expression that this program does not understand, and so would have to run.

    Parameters
    ----------
    where : str
        Its place in the configuration, such as ``preprocessing::transforms::3::func``.
    text : str
        As it was written, with its ``$``.
    """

    where: str
    text: str


def iter_code(value: Any) -> Iterator[str]:
    """List what in a described value would have to run: expressions, and components off the list."""
    if isinstance(value, Code):
        yield f"{value.where}: {value.text}"
    elif isinstance(value, Component):
        if not value.is_allowed:
            yield f"{value.where}: {value.target}"
        yield from iter_code(value.arguments)
        yield from iter_code(value.positional)
    elif isinstance(value, Item):
        yield from iter_code(value.of)
    elif isinstance(value, dict):
        for one in value.values():
            yield from iter_code(one)
    elif isinstance(value, (list, tuple)):
        for one in value:
            yield from iter_code(one)
