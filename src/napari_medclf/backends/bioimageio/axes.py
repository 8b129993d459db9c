"""Axes of a tensor, as versions 0.4 and 0.5 of the description write them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from napari_medclf.domain.errors import CardError

_LETTER_OF_TYPE = {"batch": "b", "channel": "c", "time": "t", "index": "i"}
# What a window measures where the model takes any size, by number of spatial axes.
_USUAL_SIZE = {2: 256, 3: 96}


@dataclass(frozen=True)
class Axis:
    """One axis of a tensor.

    Parameters
    ----------
    letter : str
        ``b`` batch, ``c`` channel, ``z``, ``y``, ``x`` space; others are not understood.
    size : int
        The one size it may have; 0 where several are allowed.
    smallest, step : int
        Where several are: ``smallest``, ``smallest + step`` ...
    names : tuple of str
        Of channels, where given.
    """

    letter: str
    size: int = 0
    smallest: int = 1
    step: int = 1
    names: tuple[str, ...] = ()
    halo: int = 0


@dataclass(frozen=True)
class Layout:
    """All axes of a tensor in order."""

    axes: tuple[Axis, ...]

    @property
    def letters(self) -> str:
        """Such as ``bcyx``."""
        return "".join(axis.letter for axis in self.axes)

    @property
    def space(self) -> tuple[Axis, ...]:
        """The spatial axes, in the tensor's order."""
        return tuple(axis for axis in self.axes if axis.letter in "zyx")

    @property
    def channel(self) -> Axis:
        """The channel axis; one of size 1 where there is none."""
        return next((axis for axis in self.axes if axis.letter == "c"), Axis("c", 1))


def read_layout(tensor: Mapping[str, Any], where: str) -> Layout:
    """Read the axes of an entry of ``inputs`` or ``outputs``.

    Raises
    ------
    CardError
        If they are not understood, or are other than batch, channel and two or three of space.
    """
    given = tensor.get("axes")
    try:
        axes = _read_letters(tensor, given) if isinstance(given, str) else [_read_axis(one) for one in given or ()]
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise CardError(f"{where}: the axes {str(given)[:120]!r} are not understood.") from error
    layout = Layout(tuple(axes))
    letters = layout.letters
    is_usable = set(letters) <= set("bczyx") and len(set(letters)) == len(letters) and letters.startswith("b")
    if not is_usable or len(layout.space) not in (0, 2, 3):
        raise CardError(f"{where}: a tensor with the axes {letters!r} is not supported; expected such as 'bcyx'.")
    return layout


def choose_patch(space: Sequence[Axis]) -> tuple[int, ...]:
    """Choose a window's size: the fixed one, or an allowed one near 256 in 2D and 96 in 3D."""
    usual = _USUAL_SIZE[len(space)]
    return tuple(axis.size or _allowed_near(axis, usual) for axis in space)


def _allowed_near(axis: Axis, usual: int) -> int:
    if axis.smallest >= usual:
        return axis.smallest
    return axis.smallest + -(-(usual - axis.smallest) // axis.step) * axis.step


def _read_letters(tensor: Mapping[str, Any], letters: str) -> list[Axis]:
    """Version 0.4: letters, and a shape that is fixed, has a step, or follows another tensor."""
    shape = tensor.get("shape")
    names = tuple(map(str, tensor.get("channel_names") or ()))
    ones = [1] * len(letters)
    fixed = shape if isinstance(shape, list) else [0] * len(letters)
    ranged: Mapping[str, Any] = shape if isinstance(shape, dict) and "min" in shape else {}
    each = zip(
        letters,
        map(int, fixed),
        map(int, ranged.get("min", ones)),
        map(int, ranged.get("step", ones)),
        map(int, tensor.get("halo") or [0] * len(letters)),
        strict=True,
    )
    return [
        Axis(letter, max(size, 0), max(smallest, 1), max(step, 1), names if letter == "c" else (), halo)
        for letter, size, smallest, step, halo in each
    ]


def _read_axis(axis: Mapping[str, Any]) -> Axis:
    """Version 0.5: a record."""
    kind = str(axis["type"])
    letter = str(axis.get("id", "x")) if kind == "space" else _LETTER_OF_TYPE.get(kind, "?")
    names = tuple(map(str, axis.get("channel_names") or ())) if kind == "channel" else ()
    size, halo = axis.get("size"), int(axis.get("halo", 0))
    if isinstance(size, int):
        return Axis(letter, max(size, 0), names=names, halo=halo)
    if isinstance(size, dict) and "min" in size:
        return Axis(letter, 0, max(int(size["min"]), 1), max(int(size.get("step", 1)), 1), names, halo)
    return Axis(letter, len(names), names=names, halo=halo)
