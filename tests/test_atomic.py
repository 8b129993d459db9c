"""A kill, a full disk or a failing write leaves the old file or the new one, never half of one."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from napari_medclf import atomic
from napari_medclf.atomic import append_line, atomic_write, atomic_writer, is_temporary, sweep

SIZE = 300_000

SAVE_IN_A_LOOP = """
import sys
from pathlib import Path
from napari_medclf.atomic import atomic_write
target = Path(sys.argv[1])
print("ready", flush=True)
for n in range(1_000_000):
    atomic_write(target, bytes([n % 251]) * {size})
    print(n, flush=True)
"""

APPEND_IN_A_LOOP = """
import json, sys
from pathlib import Path
from napari_medclf.atomic import append_line
target = Path(sys.argv[1])
print("ready", flush=True)
for n in range(1_000_000):
    append_line(target, json.dumps({"n": n, "text": "x" * 400}))
    print(n, flush=True)
"""


def kill_after(program, target, seconds):
    """Start a writer, kill it while it works, and return how many writes it had acknowledged."""
    with subprocess.Popen([sys.executable, "-c", program, str(target)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "ready\n"
        time.sleep(seconds)
        process.kill()
        acknowledged = [int(line) for line in process.stdout.read().split("\n") if line]
    return acknowledged[-1] if acknowledged else -1


needs_kill = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")


@needs_kill
@pytest.mark.parametrize("trial", range(12))
def test_killed_writer_leaves_a_whole_file_that_is_not_older_than_acknowledged(tmp_path, trial):
    target = tmp_path / "labels.nii"
    last = kill_after(SAVE_IN_A_LOOP.replace("{size}", str(SIZE)), target, 0.01 + 0.013 * trial)
    if last < 0 and not target.exists():
        return  # killed before the first write was done: no file is right
    content = target.read_bytes()
    assert len(content) == SIZE
    assert content == content[:1] * SIZE
    assert content[0] in ((last % 251), (last + 1) % 251)


@needs_kill
@pytest.mark.parametrize("trial", range(8))
def test_killed_journal_keeps_every_acknowledged_line(tmp_path, trial):
    import json

    target = tmp_path / "ledger.jsonl"
    last = kill_after(APPEND_IN_A_LOOP, target, 0.01 + 0.02 * trial)
    append_line(target, '{"n": "after"}')
    whole = []
    for line in target.read_text().splitlines():
        try:
            whole.append(json.loads(line)["n"])
        except ValueError:
            continue  # the one line the kill tore
    assert whole[-1] == "after"
    assert whole[: last + 1] == list(range(last + 1))


class FailingFile:
    """Passes everything on to a file until the n-th call that touches the disk."""

    def __init__(self, countdown):
        self.countdown = countdown

    def __call__(self, real):
        def step(*arguments, **keywords):
            self.countdown -= 1
            if self.countdown == 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return real(*arguments, **keywords)

        return step


@pytest.mark.parametrize("failing_step", [1, 2])
def test_failure_at_the_nth_step_keeps_the_old_file(tmp_path, monkeypatch, failing_step):
    target = tmp_path / "results.csv"
    atomic_write(target, "old")
    fail = FailingFile(failing_step)
    monkeypatch.setattr(atomic.os, "fsync", fail(os.fsync))
    monkeypatch.setattr(atomic.os, "replace", fail(os.replace))
    with pytest.raises(OSError, match="No space left"):
        atomic_write(target, "new")
    assert target.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["results.csv"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no limit on the size of files")
@pytest.mark.parametrize("limit", range(0, 4 * 65536, 65536))
def test_disk_that_fills_up_keeps_the_old_file(tmp_path, limit):
    # RLIMIT_FSIZE makes a write fail after so many bytes, as a full disk does; in a process of its
    # own, so that nothing else of the tests meets it.
    target = tmp_path / "mask.nii"
    atomic_write(target, b"old" * 1000)
    program = (
        "import resource, signal, sys\n"
        "from pathlib import Path\n"
        "from napari_medclf.atomic import atomic_write\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))\n"
        "try:\n"
        "    atomic_write(Path(sys.argv[1]), b'new' * 100_000)\n"
        "except OSError as error:\n"
        "    sys.exit(7)\n"
    )
    done = subprocess.run([sys.executable, "-B", "-c", program, str(target)], check=False)
    assert done.returncode == 7
    assert target.read_bytes() == b"old" * 1000
    assert [path.name for path in tmp_path.iterdir()] == ["mask.nii"]


def test_failing_body_keeps_the_old_file(tmp_path):
    target = tmp_path / "checkpoint.pt"
    atomic_write(target, b"old")

    def save_half():
        with atomic_writer(target) as file:
            file.write(b"half")
            raise RuntimeError("torch gave up")

    with pytest.raises(RuntimeError, match="torch gave up"):
        save_half()
    assert target.read_bytes() == b"old"
    assert len(list(tmp_path.iterdir())) == 1


def test_missing_folders_are_made_and_text_is_utf8(tmp_path):
    target = tmp_path / "cases" / "ä" / "note.txt"
    atomic_write(target, "Größe µm")
    assert target.read_bytes() == "Größe µm".encode()


def test_file_is_not_seen_before_it_is_whole(tmp_path):
    target = tmp_path / "volume.nii"
    with atomic_writer(target) as file:
        file.write(b"part")
        file.flush()
        assert not target.exists()
        assert all(is_temporary(path) for path in tmp_path.iterdir())
    assert target.read_bytes() == b"part"


def test_torn_journal_line_does_not_swallow_the_next_one(tmp_path):
    target = tmp_path / "ledger.jsonl"
    target.write_text('{"n": 1}\n{"n": 2, "te')
    append_line(target, '{"n": 3}')
    assert target.read_text().splitlines() == ['{"n": 1}', '{"n": 2, "te', '{"n": 3}']


def test_sweep_removes_what_dead_writers_left_and_spares_the_living(tmp_path):
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        pass  # its number is free again
    dead = tmp_path / f".labels.nii.tmp-{process.pid}"
    alive = tmp_path / f".labels.nii.tmp-{os.getpid()}"
    mine = tmp_path / ".hidden"
    for path in (dead, alive, mine):
        path.write_bytes(b"x")
    assert sweep(tmp_path) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([alive.name, mine.name])


def test_two_threads_that_save_the_same_file_leave_one_of_both_whole(tmp_path):
    target = tmp_path / "labels.nii"
    contents = [bytes([value]) * SIZE for value in (1, 2)]
    failures = []

    def save(content):
        try:
            for _ in range(20):
                atomic_write(target, content)
        except OSError as error:
            failures.append(error)

    threads = [threading.Thread(target=save, args=(content,)) for content in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert target.read_bytes() in contents
    assert list(tmp_path.iterdir()) == [target]
