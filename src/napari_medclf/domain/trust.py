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
        The very expressions, classes or files that would run, one a line, as a person must see them.
    """

    sha256: str
    what: tuple[str, ...]
