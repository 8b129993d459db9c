"""Copies of a model with one file damaged, each in one way that really happens."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

Damage = Callable[[Path, Path], None]
"""Changes a file; the second path is what code would create if it ran."""

_CANARY = "canary"


def damaged_copies(model: Path, folder: Path, files: Iterable[str] = ()) -> Iterator[tuple[str, Path]]:
    """Copy a model again and again, each time with one file damaged in one way.

    Parameters
    ----------
    model : Path
        A file, or a folder.
    folder : Path
        Where copies are made; one at a time exists if the caller deletes each.
    files : iterable of str
        Paths below a model's folder that it cannot do without; empty takes every file.

    Yields
    ------
    what, path
        What was done to which file, and the copy.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for path in _files_of(model, files):
        for n, (what, damage) in enumerate(_ways(path)):
            copy = folder / f"{n}-{path.name}" if model.is_file() else folder / f"{n}-{path.name}-of" / model.name
            target = _copy(model, copy) / path.relative_to(model) if model.is_dir() else _copy(model, copy)
            damage(target, folder.parent / _CANARY)
            yield f"{path.name}, {what}", copy


def pickle_that_would_run(canary: Path) -> bytes:
    """Make a pickle (protocol 0, by hand) that creates a file when somebody unpickles it without care."""
    command = f"touch {canary}".replace("'", "")
    return f"cos\nsystem\n(S'{command}'\ntR.".encode()


def _files_of(model: Path, files: Iterable[str]) -> list[Path]:
    if model.is_file():
        return [model]
    chosen = [model / name for name in files]
    return chosen or [path for path in sorted(model.rglob("*")) if path.is_file()]


def _ways(path: Path) -> Iterator[tuple[str, Damage]]:
    yield "empty", lambda target, canary: _put(target, b"")
    yield "cut to a half", lambda target, canary: _cut(target, 0.5)
    yield "cut near its end", lambda target, canary: _cut(target, 0.99)
    yield "a web page instead", lambda target, canary: _put(target, b"<html><body>404</body></html>\n")
    yield "a pickle that would run code instead", lambda target, canary: _put(target, pickle_that_would_run(canary))
    if _is_json(path):
        yield "a list instead", lambda target, canary: _put(target, b"[1, 2]\n")
        yield "nested 100,000 times", lambda target, canary: _put(target, b"[" * 100_000)


def _put(target: Path, content: bytes) -> None:
    target.write_bytes(content)


def _cut(target: Path, share: float) -> None:
    content = target.read_bytes()
    target.write_bytes(content[: min(int(len(content) * share), len(content) - 3)])


def _is_json(path: Path) -> bool:
    try:
        json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        return False
    return True


def _copy(model: Path, copy: Path) -> Path:
    copy.parent.mkdir(parents=True, exist_ok=True)
    if model.is_file():
        shutil.copyfile(model, copy)
    else:
        shutil.copytree(model, copy, copy_function=shutil.copyfile)
    return copy
