"""Find the installed TotalSegmentator and ask it what it knows."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from napari_medclf.backends.external.process import ProgramFailed, run_program, without_network
from napari_medclf.backends.external.setting import FILE, read_setting
from napari_medclf.domain.errors import BackendUnavailable
from napari_medclf.domain.events import Job

_PROGRAM = "TotalSegmentator"
_INFO = "totalseg_info"
NOT_FOUND = (
    "TotalSegmentator is not installed where this program finds it. Install it in an environment of its own "
    "(`python -m venv ts && ts/bin/pip install TotalSegmentator`), then set MEDCLF_TOTALSEGMENTATOR to that "
    f'environment\'s python, or write {{"totalsegmentator": "/path/to/ts/bin/python"}} into {FILE} in the folder of '
    "this program's models."
)


@dataclass(frozen=True)
class Program:
    """An installed TotalSegmentator.

    Parameters
    ----------
    executable : Path
        What is run to segment.
    info : Path or None
        What lists tasks and classes in newer versions; None where it is not there.
    """

    executable: Path
    info: Path | None


def find_program() -> Program | None:
    """Find it: where a person said, else on the search path; None where it is not."""
    chosen = read_setting("totalsegmentator")
    place = Path(chosen).expanduser() if chosen else None
    if place is None:
        found = shutil.which(_PROGRAM)
        executable = Path(found) if found else None
    elif place.stem.lower().startswith("python"):
        executable = _beside(place, _PROGRAM)
    else:
        executable = place
    if executable is None or not executable.is_file():
        return None
    return Program(executable, _beside(executable, _INFO))


def ask_classes(program: Program, task: str, folder: Path) -> Job[dict[int, str] | None]:
    """Ask for the classes of a task by label value; None where this version cannot tell.

    Raises
    ------
    BackendUnavailable
        If it cannot be run.
    """
    if program.info is None:
        return None
    command = [str(program.info), "--classes", "--task", task, "--json"]
    try:
        said = yield from run_program(command, folder, "Asking TotalSegmentator", environment())
    except ProgramFailed as error:
        raise BackendUnavailable(f"TotalSegmentator does not run, or does not know {task!r}: {error}") from error
    try:
        listed = json.loads(said[said.index("{") :])
        return {int(value): str(name) for value, name in listed.items()}
    except (ValueError, AttributeError) as error:
        raise BackendUnavailable(
            f"{program.info.name} answered something else than the classes of {task!r}."
        ) from error


def environment(base: Mapping[str, str] | None = None) -> dict[str, str]:
    """Make the environment it runs in: its statistics about use are not sent, and nothing is downloaded."""
    return without_network(os.environ if base is None else base)


def _beside(path: Path, name: str) -> Path | None:
    """Find a script in the folder of another one; the folder is not left by links, as those of python do."""
    for candidate in (path.parent / name, path.parent / f"{name}.exe", path.parent / "Scripts" / f"{name}.exe"):
        if candidate.is_file():
            return candidate
    return None
