"""Run another program as a job: with progress, and gone within two seconds when stopped."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from napari_medclf.domain.errors import MedclfError
from napari_medclf.domain.events import Job, Progress

_EVERY_S = 0.1
_GRACE_S = 1.0
_MOST_LINES = 200
_SHOWN_LINES = 3
# As tqdm draws it: " 40%|####      | 2/5 [00:01<00:02]".
_BAR = re.compile(r"\|\s*(\d+)/(\d+)\s*\[")
# A port of this computer where nothing answers: what asks for a proxy stays here.
_NOWHERE = "http://127.0.0.1:9"
_PROXIES = ("http_proxy", "https_proxy", "all_proxy")


class ProgramFailed(MedclfError):
    """Another program ended with an error; the text holds the last lines it said."""


def run_program(
    command: Sequence[str], folder: Path, message: str, environment: Mapping[str, str] | None = None
) -> Job[str]:
    """Run a program in a folder until it ends.

    Parameters
    ----------
    command : sequence of str
        The executable and its arguments, one a string; no shell reads them.
    message : str
        What it does, for the progress.
    environment : mapping or None
        Of the program; None takes this one's.

    Yields
    ------
    Progress
        Ten times a second, as far as the program's own progress bar is. Closing the generator there ends the program
        and all that it started.

    Returns
    -------
    str
        The last lines it said.

    Raises
    ------
    ProgramFailed
        If it cannot be started, or ends with an error.
    """
    process = _start(command, folder, environment)
    told = _Listener(process.stdout)
    try:
        while process.poll() is None:
            yield Progress(*told.progress, message)
            time.sleep(_EVERY_S)
    finally:
        _end(process)
        told.close()
    if process.returncode != 0:
        raise ProgramFailed(f"{Path(command[0]).name} ended with error {process.returncode}: {told.ending()}")
    return told.text()


def without_network(environment: Mapping[str, str]) -> dict[str, str]:
    """Point a program's web requests to where nothing answers, so that it sends nothing."""
    kept = {name: value for name, value in environment.items() if name.lower() not in (*_PROXIES, "no_proxy")}
    return {**kept, **{name: _NOWHERE for one in _PROXIES for name in (one, one.upper())}}


def _start(command: Sequence[str], folder: Path, environment: Mapping[str, str] | None) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(  # noqa: S603  (a list, without a shell; a person chose the program)
            list(command),
            cwd=folder,
            env=None if environment is None else dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=os.name == "posix",  # a group of its own, to be ended as a whole
        )
    except OSError as error:
        raise ProgramFailed(f"{command[0]}: cannot be started ({error.strerror or error}).") from error


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a program that still runs with everything it started: asked first, then made to."""
    if process.poll() is None:
        _signal(process, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE_S)
    if os.name == "posix":
        _signal(process, signal.SIGKILL)  # what it started and left behind
    elif process.poll() is None:
        process.kill()
    process.wait()


def _signal(process: subprocess.Popen[bytes], which: signal.Signals) -> None:
    if os.name != "posix":
        process.terminate()
        return
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, which)


class _Listener:
    """Reads what a program says on a thread of its own, so that its pipe never fills."""

    def __init__(self, stream: IO[bytes] | None) -> None:
        assert stream is not None  # it was asked for
        self.progress: tuple[float, float] = (0, 0)
        self._stream = stream
        self._lines: deque[str] = deque(maxlen=_MOST_LINES)
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Wait until all that was said is read."""
        self._thread.join(_GRACE_S)

    def text(self) -> str:
        """Give the last lines."""
        return "\n".join(self._lines)

    def ending(self) -> str:
        """Give the last lines that say something, in one."""
        spoken = [line for line in self._lines if line.strip() and not _BAR.search(line)]
        return " ".join(" ".join(spoken[-_SHOWN_LINES:]).split())[:500] or "it said nothing."

    def _read(self) -> None:
        rest = b""
        with self._stream as stream:
            while chunk := stream.read1(4096):  # type: ignore[attr-defined]  # a pipe is a BufferedReader
                *lines, rest = re.split(rb"[\r\n]", rest + chunk)
                for line in lines:
                    self._hear(line.decode(errors="replace"))
        self._hear(rest.decode(errors="replace"))

    def _hear(self, line: str) -> None:
        if not line.strip():
            return
        self._lines.append(line)
        bar = _BAR.search(line)
        if bar and int(bar[2]) > 0:
            self.progress = (float(bar[1]), float(bar[2]))
