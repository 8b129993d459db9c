"""Turn what disks and SQLite raise into one sentence that says what to do."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from napari_medclf.domain.errors import OutputsLost

_KEPT = "What was finished is kept: go on with --resume when that is mended."


@contextmanager
def storing(folder: Path) -> Iterator[None]:
    """Turn errors of writing results into an `OutputsLost` about the run's folder.

    Raises
    ------
    OutputsLost
        For every OSError and every error of SQLite in the body.
    """
    try:
        yield
    except sqlite3.Error as error:
        raise _lost(folder, str(error)) from error
    except OSError as error:
        raise _lost(folder, error.strerror or str(error) or type(error).__name__) from error


def make_run_folder(folder: Path) -> None:
    """Make the folder of a run where there is none.

    Raises
    ------
    OutputsLost
        If it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputsLost(f"{folder}: cannot be made ({reason}). Choose another folder for the results.") from error


def gone(folder: Path) -> OutputsLost:
    """Say that a run's folder is no longer there."""
    return OutputsLost(
        f"{folder}: the folder of results is gone. Bring it back and go on with --resume, or choose another folder."
    )


def _lost(folder: Path, reason: str) -> OutputsLost:
    is_there = os.path.isdir(folder)  # Path.is_dir raises for a share that was disconnected
    return OutputsLost(f"{folder}: cannot be written ({reason}). {_KEPT}") if is_there else gone(folder)
