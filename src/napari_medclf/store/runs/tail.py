"""What was written since the ledger was last flushed: lines that a kill cannot take, and a power cut may."""

from __future__ import annotations

import json
import os
from pathlib import Path

from napari_medclf.store.runs.row import LedgerRow, row_of, to_columns


class Tail:
    """An open file of rows, one JSON list a line; only the process that leads the run has one.

    A line is in the hands of the operating system when `append` returns, so it outlives the process; it is not
    flushed to the disk, which would cost more than many a case.
    """

    def __init__(self, path: Path) -> None:
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
        self.path = path
        self._descriptor = os.open(path, flags, 0o666)
        self._is_torn = False
        self.n_lines = 0

    def append(self, row: LedgerRow) -> None:
        """Add a row.

        Raises
        ------
        OSError
            If it cannot be written, or somebody removed the file; earlier lines are intact.
        """
        if os.fstat(self._descriptor).st_nlink == 0:
            raise FileNotFoundError(2, "it was removed while the run was writing to it", str(self.path))
        line = json.dumps(to_columns(row), ensure_ascii=False).encode() + b"\n"
        content = b"\n" + line if self._is_torn else line
        self._is_torn = True
        while content:
            content = content[os.write(self._descriptor, content) :]
        self._is_torn = False
        self.n_lines += 1

    def clear(self) -> None:
        """Forget all lines, as the ledger has them now."""
        os.ftruncate(self._descriptor, 0)
        self._is_torn = False
        self.n_lines = 0

    def close(self, *, remove: bool) -> None:
        """Close the file; once more does nothing."""
        if self._descriptor < 0:
            return
        os.close(self._descriptor)
        self._descriptor = -1
        if remove:
            self.path.unlink(missing_ok=True)


def read_tail(path: Path) -> dict[str, LedgerRow]:
    """Read the newest row of each source; lines that are torn or of another version are left out."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return {}
    found: dict[str, LedgerRow] = {}
    for line in content.split(b"\n")[:-1]:  # what follows the last line's end is being written
        try:
            row = row_of(json.loads(line))
        except (ValueError, TypeError):  # includes UnicodeDecodeError and pydantic's ValidationError
            continue
        found[row.source] = row
    return found
