"""Journals: torn lines are skipped, two processes lose nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from pydantic import BaseModel

from napari_medclf.store.journal import Journal

N_EACH = 200

WRITER = """
import sys
from pathlib import Path
from pydantic import BaseModel
from napari_medclf.store.journal import Journal

class Entry(BaseModel):
    writer: str
    number: int
    filler: str = "x" * 300

journal = Journal(Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
for number in range(int(sys.argv[3])):
    journal.append(Entry(writer=sys.argv[2], number=number))
"""


class _Entry(BaseModel):
    number: int


def test_two_processes_write_at_once_and_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), name, str(N_EACH)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in "ab"
    ]
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("go\n")
        writer.stdin.flush()
    for writer in writers:
        assert writer.wait(60) == 0
        writer.communicate()
    entries = list(Journal(path).entries())
    assert len(entries) == 2 * N_EACH
    for name in "ab":
        assert [one["number"] for one in entries if one["writer"] == name] == list(range(N_EACH))


def test_torn_last_line_costs_only_itself(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j.jsonl")
    journal.append(_Entry(number=1))
    with journal.path.open("ab") as file:
        file.write(b'{"number": 2, "na\xff')
    journal.append(_Entry(number=3))
    assert [entry["number"] for entry in journal.entries()] == [1, 3]
    assert journal.count_torn() == 1


def test_journal_that_was_never_written_is_empty(tmp_path: Path) -> None:
    assert list(Journal(tmp_path / "none.jsonl").entries()) == []
