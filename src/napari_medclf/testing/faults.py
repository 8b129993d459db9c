"""Let the n-th write to a folder fail, end the process, or cut the power, as SQLite is tested.

SQLite's anomaly tests repeat an operation in a loop in which the n-th system call fails, with n from 1 until the
operation goes through without a fault (sqlite.org/testing.html, "Anomaly Testing"). `each_fault` is that loop.
"""

from __future__ import annotations

import builtins
import errno
import io
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

_FAULT, _ERROR = 86, 87
_MOST_CALLS = 2_000
_WRITING_FLAGS = os.O_WRONLY | os.O_RDWR


class How(StrEnum):
    """What happens at the n-th call."""

    FAIL = "fail"
    """It fails once, as on a disk with a bad moment; a write leaves half of its bytes."""
    FULL = "full"
    """It and all later ones fail, as on a full disk."""
    KILL = "kill"
    """The process ends there, half of the bytes written."""
    POWER_CUT = "power-cut"
    """The process ends there, and what was not flushed to the disk is lost, names of files too."""


@dataclass
class Disk:
    """Counts the calls that change a folder, and lets the n-th go wrong.

    Parameters
    ----------
    folder : Path
        Calls on paths outside are not counted.
    n : int
        From 1 on; 0 only counts.
    """

    folder: Path
    n: int
    how: How
    n_calls: int = 0
    calls: list[str] = field(default_factory=list)
    _synced: dict[str, int] = field(default_factory=dict)
    _loose_names: dict[str, bytes | None] = field(default_factory=dict)
    _loose_moves: list[tuple[str, str]] = field(default_factory=list)

    @property
    def has_struck(self) -> bool:
        """Whether the fault came."""
        return 0 < self.n <= self.n_calls

    def concerns(self, path: Any) -> bool:
        """Whether a path or an open file's number lies in the folder."""
        name = _path_of(path)
        return name is not None and Path(name).absolute().is_relative_to(self.folder)

    def count(self, call: str, half: Callable[[], object] = lambda: None) -> None:
        """Note a call that is about to be made; the n-th goes wrong here, after `half` of it was done."""
        self.n_calls += 1
        self.calls.append(call)
        is_now = self.n_calls == self.n or (self.how is How.FULL and self.has_struck)
        if not is_now:
            return
        half()
        if self.how is How.POWER_CUT:
            self.lose()
        if self.how in (How.KILL, How.POWER_CUT):
            os._exit(_FAULT)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def note_open(self, path: str, *, is_new: bool) -> None:
        """Remember what of a file is on the disk by now."""
        self._synced.setdefault(path, 0 if is_new else Path(path).stat().st_size)
        if is_new:
            self._loose_names.setdefault(path, None)

    def note_sync(self, path: str) -> None:
        """A file's bytes, or the names in a folder, are on the disk."""
        if Path(path).is_dir():
            for name in [name for name in self._loose_names if Path(name).parent == Path(path)]:
                del self._loose_names[name]
            self._loose_moves = [move for move in self._loose_moves if Path(move[1]).parent != Path(path)]
        elif Path(path).is_file():
            self._synced[path] = Path(path).stat().st_size

    def note_name(self, path: str, old: bytes | None) -> None:
        """A file is about to get this name, or to lose it; `old` is what was there."""
        self._loose_names.setdefault(path, old)

    def note_moved(self, source: str, target: str) -> None:
        """A file or folder was renamed; what of it is on the disk goes with it."""
        if Path(target).is_dir():
            self._loose_names.pop(target, None)
            self._loose_moves.append((source, target))
            self._synced = {_moved(path, source, target): size for path, size in self._synced.items()}
            self._loose_names = {_moved(path, source, target): old for path, old in self._loose_names.items()}
            return
        self._loose_names.pop(source, None)
        self._synced[target] = self._synced.pop(source, Path(target).stat().st_size)

    _real_rename = staticmethod(os.rename)

    def lose(self) -> None:
        """Take back what no flush had made durable; a name may be on the disk before the bytes that it stands for."""
        short = {path: size for path, size in self._synced.items() if _size(path) > size}
        for path, size in short.items():
            os.truncate(path, size)
        for path, old in self._loose_names.items():
            with suppress(OSError):
                if old is None:
                    Path(path).unlink()
                elif path not in short:
                    Path(path).write_bytes(old)
        for source, target in reversed(self._loose_moves):
            self._real_rename(target, source)


class _Watched:
    """An open file whose writes are counted."""

    def __init__(self, file: Any, disk: Disk, path: str) -> None:
        self._file, self._disk, self._path = file, disk, path

    def write(self, content: Any) -> Any:
        """Write, or half of it and fail."""
        self._disk.count(f"write {self._path}", lambda: self._half(content))
        return self._file.write(content)

    def truncate(self, size: int | None = None) -> Any:
        """Cut the file."""
        self._disk.count(f"truncate {self._path}")
        return self._file.truncate(size)

    def _half(self, content: Any) -> None:
        part = content if isinstance(content, str) else memoryview(content).cast("B")
        self._file.write(part[: len(part) // 2])
        with suppress(OSError):
            self._file.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def __enter__(self) -> _Watched:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __iter__(self) -> Iterator[Any]:
        return iter(self._file)


@contextmanager
def faulty_disk(folder: Path, n: int = 0, how: How = How.FAIL) -> Iterator[Disk]:
    """Let the n-th change of a folder go wrong in the body; 0 only counts them.

    Counted are opening for writing, writing, truncating, flushing to the disk, renaming, removing and making
    folders, as far as they go through Python's `open`, `os` and `pathlib`.
    """
    disk = Disk(folder.absolute(), n, how)
    real = {name: getattr(os, name) for name in _PATCHED if hasattr(os, name)}
    real_open = io.open
    try:
        for name, call in real.items():
            setattr(os, name, _counted(disk, name, call))
        builtins.open = io.open = _counted_open(disk, real_open)
        yield disk
    finally:
        builtins.open = io.open = real_open
        for name, call in real.items():
            setattr(os, name, call)


def each_fault(folder: Path, act: Callable[[], None], check: Callable[[bool], None], how: How) -> int:
    """Do something again and again, letting the first, second, third ... change of the folder go wrong.

    Parameters
    ----------
    folder : Path
        Is as it was at the beginning before each `act`, and at the end.
    act : callable
        May raise what it likes when the fault comes.
    check : callable
        Looks at the folder afterwards; gets whether `act` ended well. Asserts.

    Returns
    -------
    int
        How many places there were to fail.
    """
    kept = folder.with_name(f"{folder.name}.before")
    shutil.copytree(folder, kept)
    try:
        for n in range(1, _MOST_CALLS):
            is_done, has_struck = _try(folder, act, n, how)
            try:
                check(is_done)
            except BaseException as error:
                error.add_note(f"after a {how} at call {n}")
                raise
            if not has_struck:
                return n - 1
            _restore(folder, kept)
    finally:
        _restore(folder, kept)
        shutil.rmtree(kept)
    raise AssertionError(f"{folder}: more than {_MOST_CALLS} calls")


def _restore(folder: Path, kept: Path) -> None:
    shutil.rmtree(folder)
    shutil.copytree(kept, folder)


def _try(folder: Path, act: Callable[[], None], n: int, how: How) -> tuple[bool, bool]:
    """Act with a fault at the n-th call; returns whether it ended well, and whether the fault came."""
    if how in (How.KILL, How.POWER_CUT):
        return _try_in_child(folder, act, n, how)
    with faulty_disk(folder, n, how) as disk:
        try:
            act()
        except Exception:  # noqa: BLE001  (what it raises is its own affair; the check looks at what is left)
            return False, disk.has_struck
    return True, disk.has_struck


def _try_in_child(folder: Path, act: Callable[[], None], n: int, how: How) -> tuple[bool, bool]:
    child = os.fork()
    if child == 0:
        code = _ERROR
        with suppress(BaseException), faulty_disk(folder, n, how) as disk:
            act()
            if how is How.POWER_CUT:  # right after the call returned
                disk.lose()
            code = 0
        os._exit(code)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    if code == _ERROR:
        raise AssertionError("the operation failed without a fault")
    return code == 0, code == _FAULT


_PATCHED = ("open", "write", "fsync", "fdatasync", "replace", "rename", "unlink", "mkdir", "truncate", "ftruncate")


def _counted(disk: Disk, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
    def counted(path: Any, *rest: Any, **more: Any) -> Any:
        if not disk.concerns(path) or (name == "open" and not rest[0] & _WRITING_FLAGS):
            return call(path, *rest, **more)
        disk.count(f"{name} {path}")
        moved = (_path_of(path), _path_of(rest[0])) if name in ("replace", "rename") else None
        if moved or name == "unlink":
            target = str(moved[1] if moved else _path_of(path))
            disk.note_name(target, Path(target).read_bytes() if Path(target).is_file() else None)
        if name in ("fsync", "fdatasync"):
            disk.note_sync(str(_path_of(path)))
            return None  # the bytes are as safe as this disk that is not one makes them, and the real one is slow
        result = call(path, *rest, **more)
        if moved:
            disk.note_moved(str(moved[0]), str(moved[1]))
        return result

    return counted


def _counted_open(disk: Disk, call: Callable[..., Any]) -> Callable[..., Any]:
    def counted(path: Any, mode: str = "r", *rest: Any, **more: Any) -> Any:
        if not set(mode) & set("wax+") or isinstance(path, int) or not disk.concerns(path):
            return call(path, mode, *rest, **more)
        name = str(_path_of(path))
        is_new = not Path(name).exists()
        disk.count(f"open {name}")
        file = call(path, mode, *rest, **more)
        disk.note_open(name, is_new=is_new)
        return _Watched(file, disk, name)

    return counted


def _moved(path: str, source: str, target: str) -> str:
    return target + path[len(source) :] if Path(path).is_relative_to(source) else path


def _size(path: str) -> int:
    return Path(path).stat().st_size if Path(path).is_file() else 0


def _path_of(path: Any) -> str | None:
    """The path behind a path or an open file's number; None where the system does not tell."""
    if isinstance(path, int):
        try:
            return os.readlink(f"/proc/self/fd/{path}")
        except OSError:
            return None
    return os.fspath(path) if isinstance(path, (str, os.PathLike)) else None
