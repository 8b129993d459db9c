"""A disk that fails, fills or loses power costs no case that was told to be done."""

import errno
import os

import pytest

from napari_medclf.domain.errors import OutputsLost
from napari_medclf.domain.run import CaseRecord
from napari_medclf.store.runs import Ledger, RunLeader
from napari_medclf.testing.faults import How, each_fault

pytestmark = pytest.mark.skipif(os.name == "nt", reason="forks, and follows open files by /proc")


def _record(number, status="done"):
    return CaseRecord(case_id=str(number), source=f"{number}.png", status=status, values={"volume_ml": number / 4})


@pytest.mark.parametrize("how", [How.FAIL, How.FULL, How.KILL])
@pytest.mark.parametrize("flush_s", [0, 3600])
def test_every_case_that_was_entered_is_there_afterwards(tmp_path, run, how, flush_s):
    told = tmp_path / "told"
    out = tmp_path / "out"
    RunLeader.start(out, run).close()

    def act():
        told.write_text("")
        leader = RunLeader.start(out, run, resume=True, flush_s=flush_s)
        try:
            leader.plan([_record(number, "pending") for number in range(3)])
            for number in range(3):
                leader.begin(str(number), f"{number}.png")
                leader.enter(_record(number))
                with told.open("a") as file:
                    file.write(f"{number}\n")
        finally:
            leader.close()

    def check(is_done):
        entered = set(told.read_text().split())
        found = {row.case_id for row in Ledger.open(out).rows() if row.status == "done"}
        assert entered <= found
        again = RunLeader.start(out, run, resume=True, flush_s=0)
        assert {row.case_id for row in again.rows() if row.status == "done"} == found
        again.close()
        if is_done:
            assert found == {"0", "1", "2"}

    assert each_fault(out, act, check, how) > 5


def test_fault_is_told_in_one_sentence_and_by_every_later_call(lead, enter, tmp_path, monkeypatch):
    leader = lead(flush_s=3600)
    enter(leader, "a")
    real = os.write

    def full(descriptor, content):
        real(descriptor, content[:7])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OutputsLost, match=r"out: cannot be written \(No space left on device\)\. What was finished"):
        enter(leader, "b")
    monkeypatch.undo()
    with pytest.raises(OutputsLost, match="No space left"):
        enter(leader, "c")
    leader.close()
    assert set(Ledger.open(tmp_path / "out").records()) == {"in/a.png"}


def test_fault_while_flushing_in_the_background_is_told(lead, enter, monkeypatch):
    import sqlite3

    from napari_medclf.store.runs import leader as module

    leader = lead(flush_s=0.01)

    def full(*_):
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(module, "write_rows", full)
    with pytest.raises(OutputsLost, match="database or disk is full"):  # noqa: PT012  (one of them is after the flush)
        for number in range(1000):
            enter(leader, str(number))
            leader._ledger._is_closing.wait(0.01)
    monkeypatch.undo()


def test_share_that_is_disconnected_is_told_in_one_sentence(lead, enter, tmp_path, monkeypatch):
    leader = lead(flush_s=3600)
    enter(leader, "a")
    folder = str(tmp_path / "out")
    stat, close = os.stat, os.close

    def is_below(descriptor):
        return os.readlink(f"/proc/self/fd/{descriptor}").startswith(folder)

    def stat_elsewhere(path, *args, **more):
        if not isinstance(path, int) and str(path).startswith(folder):
            raise OSError(errno.ENOTCONN, "Transport endpoint is not connected", str(path))
        return stat(path, *args, **more)

    def close_and_fail(descriptor):
        is_lost = is_below(descriptor)
        close(descriptor)
        if is_lost:
            raise OSError(errno.ENOTCONN, "Transport endpoint is not connected")

    monkeypatch.setattr(os, "stat", stat_elsewhere)
    monkeypatch.setattr(os, "close", close_and_fail)
    with pytest.raises(OutputsLost, match=r"the folder of results is gone\. Bring it back and go on with --resume"):
        leader.close()
    monkeypatch.undo()
    lead(resume=True)
    assert set(Ledger.open(tmp_path / "out").records()) == {"in/a.png"}
