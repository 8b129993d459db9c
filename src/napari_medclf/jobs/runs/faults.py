"""Tell what ends a run from what ends one case: results that can nowhere be written."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from napari_medclf.domain.errors import OutputsLost, ReadError, WriteError
from napari_medclf.store.runs.faults import gone

_OF_THE_DISK = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.ESTALE, errno.EFBIG})
_PROBE_BYTES = 64 * 1024


def check_outputs(out: Path, error: BaseException) -> None:
    """Make sure that the next case could be written, after one could not be done.

    Parameters
    ----------
    out : Path
        The run's folder.

    Raises
    ------
    OutputsLost
        If the disk is full or failed, or the folder is gone.
    """
    if not os.path.isdir(out):  # Path.is_dir raises for a share that was disconnected
        raise gone(out) from error
    causes = list(_causes(error))
    if any(isinstance(one, ReadError) for one in causes):
        return
    fault = next((one for one in causes if isinstance(one, OSError) and one.errno in _OF_THE_DISK), None)
    if fault is None and any(isinstance(one, OSError | WriteError) for one in causes):
        fault = _try_to_write(out)  # libraries hide what the system said
    if fault is not None:
        raise OutputsLost(
            f"{out}: results cannot be written any more ({fault.strerror or fault}). What was finished is kept: make "
            "room, and go on with --resume."
        ) from error


def _try_to_write(folder: Path) -> OSError | None:
    probe = folder / f".probe.tmp-{os.getpid()}"
    try:
        with probe.open("wb") as file:
            file.write(bytes(_PROBE_BYTES))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        return error
    finally:
        with suppress(OSError):
            probe.unlink()
    return None


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and what it came from."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
