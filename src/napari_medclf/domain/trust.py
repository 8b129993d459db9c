"""Code that comes with a model, and a person's word about it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Trust:
    """What would run from a model's files that this program cannot check by itself.

    Parameters
    ----------
    sha256 : str
        Of all content that would run; a person's word holds for this content and no other.
    what : tuple of str
        The very expressions, classes or files that would run, one a line, as a person must see them: characters that
        move a cursor or turn the direction of reading, and could hide some of it, are written as escapes.
    """

    sha256: str
    what: tuple[str, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "what", tuple(map(_visible, self.what)))


def _visible(line: str) -> str:
    r"""Write every character so that it is seen.

    >>> _visible("a\x1b[2Kb")
    'a\\x1b[2Kb'
    """
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in line)
