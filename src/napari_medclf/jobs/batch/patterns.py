"""Patterns on the place of a file below a folder, such as ``sub-*/anat/*.nii.gz``."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path


def leave_out_by(folder: Path, include: Sequence[str], exclude: Sequence[str]) -> Callable[[Path, bool], str]:
    """Make the question whether a file or folder is left out: why, or an empty text.

    A folder is left out where a pattern of `exclude` matches it, with all that is in it; `include` asks of files only.
    """

    def leave_out(path: Path, is_folder: bool) -> str:
        place = path.relative_to(folder).as_posix()
        refused = next((one for one in exclude if matches(one, place)), None)
        if refused is not None:
            return f"left out by --exclude {refused!r}"
        if include and not is_folder and not any(matches(one, place) for one in include):
            return f"matches no pattern of --include ({', '.join(map(repr, include))})"
        return ""

    return leave_out


def matches(pattern: str, place: str) -> bool:
    """Whether a pattern matches a place, or a folder on the way to it, whatever the case.

    ``*`` and ``?`` stand for text without a slash, ``**`` for any folders, ``[ab]`` for one letter of several. A
    pattern without a slash is compared with every part of the place; others with the place from its beginning.

    >>> matches("*.dcm", "ct/series 1/0001.DCM"), matches("ct", "ct/series 1/0001.dcm")
    (True, True)
    >>> matches("ct/*.dcm", "ct/series 1/0001.dcm"), matches("ct/**/*.dcm", "ct/0001.dcm")
    (False, True)
    """
    parts = place.split("/")
    compiled = _compile(pattern)
    if "/" not in pattern.strip("/"):
        return any(compiled.fullmatch(part) for part in parts)
    return any(compiled.fullmatch("/".join(parts[:n])) for n in range(1, len(parts) + 1))


@lru_cache(maxsize=256)
def _compile(pattern: str) -> re.Pattern[str]:
    """Write a pattern as a regular expression; a bracket that is never closed stands for itself."""
    text = pattern.strip("/")
    made, position = [], 0
    while position < len(text):
        piece, position = _translate(text, position)
        made.append(piece)
    return re.compile("".join(made), re.IGNORECASE | re.DOTALL)


def _translate(text: str, position: int) -> tuple[str, int]:
    """Translate what stands at a position; returns where the next begins."""
    if text.startswith("**/", position):
        return "(?:.*/)?", position + 3
    if text.startswith("**", position):
        return ".*", position + 2
    one = text[position]
    if one == "*":
        return "[^/]*", position + 1
    if one == "?":
        return "[^/]", position + 1
    end = text.find("]", position + 2)
    if one == "[" and end > 0:
        inside = text[position + 1 : end].replace("\\", r"\\").replace("[", r"\[")
        negated = inside.startswith("!")
        return f"[{'^/' if negated else ''}{inside[negated:]}]", end + 1
    return re.escape(one), position + 1
