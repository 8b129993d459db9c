"""Open the demo's window in a process of its own, on a virtual display where there is no real one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from napari_medclf.domain.errors import BackendUnavailable, MedclfError
from napari_medclf.domain.events import Job, Progress

_WAIT_S = 0.2
_GIVE_UP_S = 600.0
_KEPT_CHARACTERS = 300


class NoDisplay(BackendUnavailable):
    """There is no window to show here, and that is no error."""


def show_window(out: Path) -> Job[None]:
    """Run the demo's window until it is closed; on a virtual display it takes its pictures and goes.

    Raises
    ------
    NoDisplay
        If napari is not installed, or there is no display, not even a virtual one.
    MedclfError
        If the window could not be shown.
    """
    if find_spec("napari") is None:
        raise NoDisplay("napari is not installed, so no window is shown. Install napari-medclf[napari] for it.")
    command = [sys.executable, "-m", "napari_medclf.ui.demo_window", "--out", str(out)]
    with _display() as (environment, is_virtual):
        log = out / "window.log"
        with log.open("wb") as errors:
            process = subprocess.Popen(  # noqa: S603  (our own module)
                [*command, "--exit"] if is_virtual else command, env=environment, stdout=errors, stderr=errors
            )
            yield from _wait(process, is_virtual=is_virtual)
        if process.returncode != 0:
            last = log.read_text(errors="replace").strip()[-_KEPT_CHARACTERS:]
            raise MedclfError(f"The window ended with code {process.returncode}; {log} says why: {last}")
        log.unlink()


def _wait(process: subprocess.Popen[bytes], *, is_virtual: bool) -> Job[None]:
    started_s = time.monotonic()
    try:
        while process.poll() is None:
            yield Progress(
                0, 0, "taking pictures of the window" if is_virtual else "the window is open; close it to end"
            )
            time.sleep(_WAIT_S)
            if is_virtual and time.monotonic() - started_s > _GIVE_UP_S:
                raise MedclfError(f"The window did not end within {_GIVE_UP_S:.0f} s.")
    finally:
        _end(process)


def has_display(environment: Mapping[str, str]) -> bool:
    """Tell whether a display that the environment names is there; a stale name in a container is none."""
    wayland = environment.get("WAYLAND_DISPLAY")
    if wayland and (Path(environment.get("XDG_RUNTIME_DIR", "/run")) / wayland).exists():
        return True
    host, _, number = environment.get("DISPLAY", "").partition(":")
    if not number:
        return False
    is_local = host in ("", "unix")
    return not is_local or Path(f"/tmp/.X11-unix/X{number.partition('.')[0]}").exists()  # noqa: S108  (X11's own place)


@contextmanager
def _display() -> Iterator[tuple[dict[str, str], bool]]:
    """Give the environment for a window, and whether its display is virtual."""
    environment = dict(os.environ)
    if sys.platform != "linux" or has_display(environment):
        yield environment, False
        return
    program = shutil.which("Xvfb")
    if program is None:
        raise NoDisplay("There is no display and no Xvfb, so no window is shown. Install the package xvfb for it.")
    read_end, write_end = os.pipe()
    server = subprocess.Popen(  # noqa: S603  (the display server that PATH names)
        [program, "-displayfd", str(write_end), "-screen", "0", "1600x1000x24", "-nolisten", "tcp"],
        pass_fds=(write_end,),
        stderr=subprocess.DEVNULL,
    )
    os.close(write_end)
    try:
        with os.fdopen(read_end) as pipe:
            number = pipe.readline().strip()
        if not number:
            raise NoDisplay("The virtual display could not be started, so no window is shown.")
        yield environment | {"DISPLAY": f":{number}", "QT_QPA_PLATFORM": "xcb"}, True
    finally:
        _end(server)


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
