#!/usr/bin/env python3
"""One command on a fresh machine.

    python3 dev.py demo     see it work: real images, embedded models, pictures and a window
    python3 dev.py test     lint, types, layers, docs and every test, on a virtual display
    python3 dev.py lint     ruff, mypy and import-linter only
    python3 dev.py setup    the environment only, in .venv

Needs nothing but Python's standard library. What is missing is added: system libraries (on Debian
and Ubuntu), a virtual environment in .venv, the CPU build of torch where there is no NVIDIA card.
"""

from __future__ import annotations

import argparse
import ast
import ctypes
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Callable, Dict, Iterator, List, Optional, Sequence, Tuple

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
STAMP = VENV / "medclf-setup.json"
NO_TESTS = 5  # pytest's exit status when nothing was selected
GUI_PARTS = 2  # processes side by side, as a window's test keeps one core busy
OLDEST_PYTHON = (3, 11)
NEWEST_FIRST = ("3.13", "3.12", "3.11")

# What Qt and OpenGL need on Debian 12 and Ubuntu: the package, and the library that shows it is there.
LIBRARIES = {
    "libegl1": "libEGL.so.1",
    "libgl1": "libGL.so.1",
    "libxcb-cursor0": "libxcb-cursor.so.0",
    "libxcb-icccm4": "libxcb-icccm.so.4",
    "libxcb-image0": "libxcb-image.so.0",
    "libxcb-keysyms1": "libxcb-keysyms.so.1",
    "libxcb-randr0": "libxcb-randr.so.0",
    "libxcb-render-util0": "libxcb-render-util.so.0",
    "libxcb-shape0": "libxcb-shape.so.0",
    "libxcb-xkb1": "libxcb-xkb.so.1",
    "libxkbcommon-x11-0": "libxkbcommon-x11.so.0",
    "libfontconfig1": "libfontconfig.so.1",
    "libdbus-1-3": "libdbus-1.so.3",
    "libglib2.0-0": "libglib-2.0.so.0",
}
TEST_SERVER = ("orthanc", "orthanc-dicomweb")  # the PACS that some tests start, where it can be had
IS_LINUX = sys.platform.startswith("linux")


def main(arguments: Sequence[str]) -> int:
    """Do what the command line asks for."""
    parser = argparse.ArgumentParser(prog="dev.py", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("command", choices=["demo", "test", "lint", "setup"])
    parser.add_argument("rest", nargs=argparse.REMAINDER, help="passed on to `medclf demo` or to pytest")
    options = parser.parse_args(arguments)
    if sys.version_info < OLDEST_PYTHON:
        return run_under_newer_python(arguments)
    os.chdir(ROOT)
    try:
        set_up(for_development=options.command != "demo")
        actions: Dict[str, Callable[[Sequence[str]], int]] = {"demo": run_demo, "test": run_tests, "lint": run_lint}
        return actions[options.command](options.rest) if options.command in actions else 0
    except SetupError as error:
        print(f"\ndev.py: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


class SetupError(Exception):
    """Something that a person must do first, as a sentence."""


# --- Python -------------------------------------------------------------------------------------


def run_under_newer_python(arguments: Sequence[str]) -> int:
    """Start again under a Python that is new enough, or say how to get one."""
    found = find_python()
    if found is None and can_install():
        names = [f"python{version}" for version in NEWEST_FIRST if has_apt_package(f"python{version}-venv")]
        if names:
            apt_install([names[0], f"{names[0]}-venv"])
            found = shutil.which(names[0])
    if found is None:
        print(
            f"dev.py: this is Python {platform.python_version()}, but napari-medclf needs 3.11 or newer. "
            "Install it (https://www.python.org/downloads/) and run:  python3.12 dev.py " + " ".join(arguments),
            file=sys.stderr,
        )
        return 2
    return subprocess.call([found, str(ROOT / "dev.py"), *arguments])


def find_python() -> Optional[str]:
    """Find an interpreter that is new enough and starts."""
    for version in NEWEST_FIRST:
        found = shutil.which(f"python{version}")
        if found and subprocess.call([found, "-c", "import sys; sys.exit(sys.version_info < (3, 11))"]) == 0:
            return found
    return None


# --- System libraries ---------------------------------------------------------------------------


def missing_system_packages() -> List[str]:
    """List what apt must add; empty on other systems than Linux."""
    if not IS_LINUX:
        return []
    missing = [package for package, library in LIBRARIES.items() if not can_load(library)]
    if shutil.which("Xvfb") is None:
        missing.insert(0, "xvfb")
    if not has_ensurepip() and not venv_python().exists():
        missing.insert(0, f"python{sys.version_info[0]}.{sys.version_info[1]}-venv")
    return missing


def can_load(library: str) -> bool:
    """Tell whether the dynamic linker finds a library."""
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def has_ensurepip() -> bool:
    """Tell whether this Python can put pip into a new environment (Debian ships that apart)."""
    try:
        import ensurepip  # noqa: F401
    except ImportError:
        return False
    return True


def can_install() -> bool:
    """Tell whether apt is here and may be used without a password."""
    if shutil.which("apt-get") is None:
        return False
    if os.geteuid() == 0:
        return True
    return shutil.which("sudo") is not None and subprocess.call(["sudo", "-n", "true"], stderr=subprocess.DEVNULL) == 0


def has_apt_package(name: str) -> bool:
    """Tell whether apt knows a package."""
    return subprocess.call(["apt-cache", "show", name], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) == 0


def apt_install(packages: Sequence[str]) -> None:
    """Add system packages.

    Raises
    ------
    SetupError
        If that is not allowed here or fails; the message is the line to run.
    """
    line = "apt-get install -y --no-install-recommends " + " ".join(packages)
    if not can_install():
        raise SetupError(f"some system packages are missing. Please run:  sudo {line}")
    say("adding system packages: " + ", ".join(packages))
    prefix = [] if os.geteuid() == 0 else ["sudo", "-n"]
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["apt-get", "update", "-qq"], line.split()):
        if subprocess.call([*prefix, *command], env=environment, stdout=subprocess.DEVNULL) != 0:
            raise SetupError(f"`{' '.join(command)}` failed. When it works by hand, start dev.py again.")


def add_test_server() -> None:
    """Add the PACS for the tests where that is allowed and no service of it would come up; else they are skipped.

    Debian's Orthanc listens on all interfaces: the tests start it in a network of its own, and installing it must
    not start it elsewhere. RUNLEVEL=1 keeps the installation from that; under systemd it is left to a person.
    """
    can_be_had = IS_LINUX and shutil.which("apt-get") is not None and os.geteuid() == 0
    if not can_be_had or shutil.which("Orthanc") or Path("/run/systemd/system").exists():
        return
    os.environ["RUNLEVEL"] = "1"
    try:
        apt_install(TEST_SERVER)
    except SetupError as error:
        say(f"the tests with a real PACS will be skipped: {error}")
    finally:
        del os.environ["RUNLEVEL"]


# --- The environment ----------------------------------------------------------------------------


def set_up(for_development: bool) -> None:
    """Make or refresh .venv; quick when nothing changed since the last time."""
    missing = missing_system_packages()
    if missing:
        if not IS_LINUX or shutil.which("apt-get") is None:
            raise SetupError(
                "these libraries are missing (names of Debian's packages): " + ", ".join(missing) + ". "
                "Install them with the package manager of this system, then start dev.py again."
            )
        apt_install(missing)
    wanted = {"of": fingerprint(), "for": "development" if for_development else "demo"}
    if read_stamp() in (wanted, {**wanted, "for": "development"}):
        return
    started = time.time()
    make_environment()
    install(for_development)
    STAMP.write_text(json.dumps(wanted))
    say(f"environment ready in {time.time() - started:.0f} s")


def fingerprint() -> str:
    """Digest everything the environment depends on."""
    parts = [sys.version.encode(), str(ROOT).encode()]
    parts += [(ROOT / name).read_bytes() for name in ("pyproject.toml", "constraints.txt", "dev.py")]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def read_stamp() -> Dict[str, str]:
    """Read what .venv was made for; empty if it must be made."""
    try:
        stamp: Dict[str, str] = json.loads(STAMP.read_text())
    except (OSError, ValueError):
        return {}
    return stamp if venv_python().exists() else {}


def venv_python() -> Path:
    """Give the interpreter inside .venv."""
    return VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def venv_tool(name: str) -> str:
    """Give the path of a program inside .venv."""
    return str(venv_python().with_name(name + (".exe" if os.name == "nt" else "")))


def make_environment() -> None:
    """Make .venv with uv inside; one of an older Python is replaced."""
    check = "import sys; sys.exit(sys.version_info[:2] != %r)" % (sys.version_info[:2],)
    works = venv_python().exists() and subprocess.call([str(venv_python()), "-c", check]) == 0
    if not works:
        say("making .venv")
        if (VENV / "pyvenv.cfg").exists():
            shutil.rmtree(VENV)
        call([sys.executable, "-m", "venv", str(VENV)], "Python could not make a virtual environment.")
    if not Path(venv_tool("uv")).exists():
        command = [str(venv_python()), "-m", "pip", "install", "--quiet", "-c", "constraints.txt", "uv"]
        call(command, "pip could not install uv. Is there a network, or a package index in pip's configuration?")


def install(for_development: bool) -> None:
    """Install this package editable with what it needs."""
    environment = {**os.environ, **uv_settings()}
    command = [venv_tool("uv"), "pip", "install", "--python", str(venv_python()), "--quiet", "-c", "constraints.txt"]
    torch = [] if takes_registry_torch() or offers_cpu_torch(command, environment) else ["--torch-backend", "cpu"]
    what = ["-e", ".[napari]"] + (["--group", "dev"] if for_development else [])
    say("installing (about 2 GB on disk; some minutes the first time)")
    call([*command, *torch, *what], "The packages could not be installed.", environment)


def takes_registry_torch() -> bool:
    """Tell whether the package index's own torch is the right one: on an NVIDIA machine, Windows and macOS."""
    return not IS_LINUX or shutil.which("nvidia-smi") is not None or Path("/proc/driver/nvidia/version").exists()


def offers_cpu_torch(command: Sequence[str], environment: Dict[str, str]) -> bool:
    """Tell whether pip's own configuration leads to a CPU build of torch, so no other index is needed."""
    loud = [word for word in command if word != "--quiet"]
    found = subprocess.run(
        [*loud, "--dry-run", "torch"], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    installed = subprocess.run(
        [str(venv_python()), "-c", "import importlib.metadata as m; print(m.version('torch'))"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    return "+cpu" in found.stdout + installed.stdout


def uv_settings() -> Dict[str, str]:
    """Translate pip's configuration for uv, which does not read it; settings made for uv win."""
    listed = subprocess.run(
        [str(venv_python()), "-m", "pip", "config", "list"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    pip: Dict[str, str] = {}
    for line in listed.stdout.splitlines():
        key, _, value = line.partition("=")
        pip[key.rpartition(".")[2]] = str(ast.literal_eval(value)).strip()
    links = pip.get("find-links", "").split()
    extra = [url for url in pip.get("extra-index-url", "").split() if is_reachable(url)]
    settings = {
        "UV_FIND_LINKS": ",".join(link for link in links if is_reachable(link)),
        "UV_DEFAULT_INDEX": pip.get("index-url", ""),
        "UV_INDEX": " ".join(extra),
        # pip takes the best version of all indexes; uv would stop at the first that knows the name.
        "UV_INDEX_STRATEGY": "unsafe-best-match" if extra else "",
        "SSL_CERT_FILE": pip.get("cert", ""),
        "UV_HTTP_TIMEOUT": "180",
    }
    return {name: value for name, value in settings.items() if value and name not in os.environ}


def is_reachable(location: str) -> bool:
    """Tell whether a local folder exists; what lies elsewhere is believed."""
    path = location[7:] if location.startswith("file://") else location
    return "://" in path or Path(path).exists()


def call(command: Sequence[str], complaint: str, environment: Optional[Dict[str, str]] = None) -> None:
    """Run a command of the set-up.

    Raises
    ------
    SetupError
        If it fails.
    """
    if subprocess.call(list(command), env=environment) != 0:
        raise SetupError(f"{complaint} (The command was: {' '.join(command)})")


# --- What to run --------------------------------------------------------------------------------


def run_demo(rest: Sequence[str]) -> int:
    """Run `medclf demo`, which opens a virtual display itself where there is no screen."""
    return subprocess.call([venv_tool("medclf"), "demo", *rest])


def lint_commands() -> List[Tuple[str, List[str]]]:
    """List the checks that read the code without running it."""
    return [
        ("ruff check", [venv_tool("ruff"), "check", "."]),
        ("ruff format", [venv_tool("ruff"), "format", "--check", "--quiet", "."]),
        ("mypy", [venv_tool("mypy")]),
        ("import-linter", [venv_tool("lint-imports"), "--no-cache"]),
    ]


def run_checks(checks: Sequence[Tuple[str, List[str]]]) -> List[str]:
    """Run checks one after the other; returns the names of those that failed, with their output shown."""
    failed = []
    for name, command in checks:
        started = time.time()
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        say(f"{name}: {'ok' if done.returncode == 0 else 'FAILED'} ({time.time() - started:.0f} s)")
        if done.returncode != 0:
            print(done.stdout, flush=True)
            failed.append(name)
    return failed


def run_lint(rest: Sequence[str]) -> int:
    """Run the checks that read the code."""
    return 1 if run_checks(lint_commands()) else 0


def run_tests(rest: Sequence[str]) -> int:
    """Run every check and every test; pytest's closing line comes last."""
    add_test_server()
    site = tempfile.mkdtemp(prefix="medclf-site-")
    try:
        docs = [venv_tool("mkdocs"), "build", "--strict", "--site-dir", site]
        failed = run_checks([*lint_commands(), ("docs", docs)])
    finally:
        shutil.rmtree(site, ignore_errors=True)
    pytest = [str(venv_python()), "-m", "pytest"]
    with display() as environment:
        environment.setdefault("OMP_NUM_THREADS", "1")
        core, core_line = stream([*pytest, "-n", "2", "-m", "not gui", *rest], environment)
    with ThreadPoolExecutor(GUI_PARTS) as pool:
        parts = pool.map(lambda part: run_gui_part([*pytest, "-m", "gui", *rest], part), range(1, GUI_PARTS + 1))
        ended = [(core, core_line), *parts]
    if failed:
        print("FAILED before the tests: " + ", ".join(failed))
    for position, (_, line) in enumerate(ended):
        print("%s: %s" % ("with the window, part %d" % position if position else "without the window", line))
    codes = [code for code, _ in ended if code != NO_TESTS] or [NO_TESTS]
    return max(codes, key=abs) or (1 if failed else 0)


def run_gui_part(command: Sequence[str], part: int) -> Tuple[int, str]:
    """Run a part of the tests with a window, on a screen of its own; `tests/conftest.py` says which."""
    with display() as environment:
        environment.setdefault("OMP_NUM_THREADS", "1")
        environment["MEDCLF_TEST_PART"] = "%d/%d" % (part, GUI_PARTS)
        return run_gui_tests(command, environment, "%d| " % part)


def run_gui_tests(command: Sequence[str], environment: Dict[str, str], prefix: str = "") -> Tuple[int, str]:
    """Run tests with a window in a process of their own; once more if the process was killed by a signal.

    A test that fails is never run again. One run ended in a segmentation fault in vispy's glDrawArrays under Xvfb,
    whose cause is not known, and pytest-xdist then hung instead of going on.
    """
    code, line = stream(command, environment, prefix)
    if code < 0:
        print("The window's tests were ended by signal %d; they run once more." % -code)
        code, line = stream(command, environment, prefix)
    return code, line


def stream(command: Sequence[str], environment: Dict[str, str], prefix: str = "") -> Tuple[int, str]:
    """Run a command with its output shown, each line behind the prefix; returns its exit status and its last line."""
    last = ""
    with subprocess.Popen(
        list(command), env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            print(prefix + line, end="", flush=True)
            last = line.strip() or last
    return process.returncode, last


@contextmanager
def display() -> Iterator[Dict[str, str]]:
    """Give an environment with a screen: on Linux a virtual one of our own, elsewhere the desktop.

    Xvfb picks a free display number itself, listens on no network port, and ends with this block.
    """
    environment = dict(os.environ)
    if not IS_LINUX:
        yield environment
        return
    receiving, sending = os.pipe()
    xvfb = subprocess.Popen(
        ["Xvfb", "-displayfd", str(sending), "-screen", "0", "1600x1000x24", "-nolisten", "tcp"],
        pass_fds=[sending],
        stderr=subprocess.DEVNULL,
    )
    os.close(sending)
    try:
        with os.fdopen(receiving) as pipe:
            number = pipe.readline().strip()
        if not number:
            raise SetupError("Xvfb, the virtual display, did not start. Try `Xvfb :99` by hand to see why.")
        environment.pop("WAYLAND_DISPLAY", None)
        environment.update(DISPLAY=f":{number}", QT_QPA_PLATFORM="xcb", LIBGL_ALWAYS_SOFTWARE="1")
        yield environment
    finally:
        xvfb.terminate()
        xvfb.wait()


def say(sentence: str) -> None:
    """Tell what goes on, at once."""
    print(f"dev.py: {sentence}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
