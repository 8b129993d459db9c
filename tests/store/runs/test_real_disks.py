"""Small, full and read-only disks as the system makes them, SQLite's own writes included."""

import ctypes
import os
import sys
import traceback
from contextlib import suppress

import pytest

from napari_medclf.domain.errors import OutputsLost
from napari_medclf.domain.run import CaseRecord
from napari_medclf.store.runs import Ledger, RunLeader

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="mounts disks in a namespace of its own")

_NEW_MOUNTS, _PRIVATE, _READ_ONLY, _REMOUNT = 0x00020000, (1 << 18) | (1 << 14), 1, 32
_REFUSED = 77


class Disk:
    """A disk in memory that only this process sees."""

    def __init__(self, folder, size_kib):
        self.folder = folder
        self.libc = ctypes.CDLL(None, use_errno=True)
        if os.geteuid() != 0 or self.libc.unshare(_NEW_MOUNTS) != 0:
            os._exit(_REFUSED)
        self._mount(b"none", b"/", None, _PRIVATE, None)
        self._mount(b"tmpfs", os.fsencode(folder), b"tmpfs", 0, f"size={size_kib}k".encode())

    def change(self, flags=0, size_kib=None):
        options = None if size_kib is None else f"size={size_kib}k".encode()
        self._mount(b"tmpfs", os.fsencode(self.folder), b"tmpfs", _REMOUNT | flags, options)

    def _mount(self, *arguments):
        if self.libc.mount(*arguments) != 0:
            os._exit(_REFUSED)


@pytest.fixture
def on_small_disk(tmp_path, capfd):
    """Call a function with a `Disk`, in a process of its own."""

    def call(act, size_kib):
        folder = tmp_path / "disk"
        folder.mkdir()
        child = os.fork()
        if child == 0:
            code = 1
            try:
                act(Disk(folder, size_kib))
                code = 0
            except BaseException:
                traceback.print_exc()
            os._exit(code)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if code == _REFUSED:
            pytest.skip("no disk may be mounted here")
        assert code == 0, capfd.readouterr().err

    return call


def _record(number):
    values = {"note": "x" * 500}
    return CaseRecord(case_id=str(number), source=f"{number}.png", status="done", values=values)


def _fill(leader, entered):
    for number in range(5_000):
        leader.enter(_record(number))
        entered.append(str(number))


@pytest.mark.parametrize("flush_s", [0, 0.02, 3600])
def test_full_disk_keeps_what_was_entered_and_the_run_goes_on(run, on_small_disk, flush_s):
    def act(disk):
        out = disk.folder / "out"
        leader = RunLeader.start(out, run, flush_s=flush_s)
        entered = []
        with pytest.raises(OutputsLost, match=r"cannot be written \(.*(No space left|disk is full|disk I/O).*resume"):
            _fill(leader, entered)
        with suppress(OutputsLost):
            leader.close()
        assert len(entered) > 20
        disk.change(size_kib=8_000)
        again = RunLeader.start(out, run, resume=True, flush_s=flush_s)
        assert set(entered) <= {row.case_id for row in again.rows()}
        again.enter(_record(10_000))
        again.close()
        assert "10000.png" in Ledger.open(out).records()

    on_small_disk(act, size_kib=160)


def test_full_disk_keeps_the_old_files_of_a_case(run, on_small_disk, do):
    def act(disk):
        leader = RunLeader.start(disk.folder / "out", run, flush_s=0)
        old = do(leader, "a", b"old labels")
        with pytest.raises(OSError, match="No space left"):
            do(leader, "a", bytes(900_000))
        assert leader.folder.are_intact(old.outputs)
        assert [path.name for path in (leader.folder.folder / "cases").iterdir()] == ["a"]

    on_small_disk(act, size_kib=400)


def test_read_only_disk_is_read_and_not_written(run, on_small_disk, do):
    def act(disk):
        out = disk.folder / "out"
        leader = RunLeader.start(out, run, flush_s=3600)
        case = do(leader, "a")
        leader._ledger._tail.close(remove=False)  # as a kill does
        leader._ledger._connection.close()
        leader._ledger._lock.free()
        disk.change(_READ_ONLY)
        ledger = Ledger.open(out)
        assert ledger.records() == {case.source: case}
        assert not ledger.is_led()
        assert leader.folder.record().cases == (case,)
        with pytest.raises(OutputsLost, match="Read-only file system"):
            RunLeader.start(out, run, resume=True)
        with pytest.raises(OutputsLost, match="Read-only file system"):
            RunLeader.start(disk.folder / "other", run)
        disk.change(0)
        RunLeader.start(out, run, resume=True).close()

    on_small_disk(act, size_kib=400)
