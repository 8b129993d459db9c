"""The ledger: written by one process, read by anybody, nothing lost by a kill."""

import shutil
import sqlite3
import threading
from datetime import datetime

import pytest

from napari_medclf.domain.errors import OptionError
from napari_medclf.domain.run import CaseRecord, CaseStatus, SkipKind
from napari_medclf.store.runs import Ledger


def _pending(*names):
    return [CaseRecord(case_id=name, source=f"in/{name}.png", status="pending") for name in names]


def test_row_comes_back_as_it_was_entered(lead, enter):
    leader = lead()
    case = enter(
        leader,
        "a",
        status="skipped",
        reason="[sic] {odd} text: \u00fc",
        skipped_as=SkipKind.COPY,
        elapsed_s=1.25,
        peak_bytes=2**40,
        worker="tcp://10.0.0.7:40111",
        outputs={"cases/a/s.png": "d" * 64},
        values={"score:ill": 0.75, "top_class": "ill", "n": 3, "none": None},
        doubts={"entropy": 0.5},
        traits={"volume_ml": 2.5},
    )
    assert leader.folder.records() == {"in/a.png": case}
    leader.close()
    assert Ledger.open(leader.folder.folder).records() == {"in/a.png": case}


def test_what_is_no_number_is_left_out(lead, enter):
    leader = lead()
    enter(leader, "a", values={"ratio": float("nan")}, doubts={"size": float("inf"), "entropy": 0.5})
    (row,) = leader.rows()
    assert (row.values, row.doubts) == ({"ratio": None}, {"entropy": 0.5})


@pytest.mark.parametrize("flush_s", [0, 3600])
def test_killed_run_keeps_every_case_that_ended(lead, do, tmp_path, flush_s):
    leader = lead(flush_s=flush_s)
    leader.plan(_pending("a", "b", "c"))
    done = do(leader, "a")
    leader.begin("b", "in/b.png")
    shutil.copytree(tmp_path / "out", tmp_path / "killed")  # what a kill leaves
    with (tmp_path / "killed" / "ledger.tail").open("ab") as tail:
        tail.write(b'["c", "in/c.png", "done"')  # it was writing
    assert Ledger.open(tmp_path / "killed").counts() == {"done": 1, "running": 1, "pending": 1}

    again = lead("killed", resume=True)

    rows = {row.case_id: row for row in again.rows()}
    assert rows["a"].record() == done
    assert [rows[name].status for name in "abc"] == ["done", "running", "pending"]
    assert [rows[name].attempt for name in "abc"] == [1, 1, 0]
    assert datetime.fromisoformat(rows["b"].started).utcoffset() is not None


def test_plan_of_a_later_run_keeps_the_history(lead, do):
    first = lead()
    first.plan(_pending("a", "b", "c"))
    kept = do(first, "a")
    first.begin("b", "in/b.png")
    first.close()
    again = lead(resume=True)
    again.plan([*_pending("new"), kept, *_pending("b")])
    again.begin("b", "in/b.png")
    rows = again.rows()
    assert [(row.case_id, row.status, row.attempt) for row in rows] == [
        ("new", "pending", 0),
        ("a", "done", 1),
        ("b", "running", 2),
        ("c", "skipped", 0),
    ]
    assert rows[3].skipped_as is SkipKind.GONE
    assert "no longer among the images" in rows[3].reason
    assert again.find("in/b.png") == rows[2]
    assert again.find("in/d.png") is None


def test_second_leader_is_refused_with_a_sentence(lead):
    first = lead()
    with pytest.raises(OptionError, match=r"out: another run is writing there \(process \d+ on .+\)\. Wait for it"):
        lead(resume=True)
    first.close()
    lead(resume=True)


def test_reader_sees_whether_a_run_goes_on(lead):
    leader = lead()
    ledger = leader.folder.ledger
    assert ledger.is_led()
    leader.close()
    assert not ledger.is_led()
    assert sorted(path.name for path in ledger.folder.iterdir()) == ["ledger.sqlite"]


def test_reader_asks_for_what_is_new(lead, enter):
    leader = lead(flush_s=3600)
    leader.plan(_pending("a", "b"))
    ledger = leader.folder.ledger
    newest = max(row.seq for row in ledger.rows())
    before = ledger.state()
    assert ledger.rows(since=newest) == []
    enter(leader, "b")
    assert ledger.state() != before
    assert [row.case_id for row in ledger.rows(since=newest)] == ["b"]
    leader.close()
    assert [row.case_id for row in ledger.rows(since=newest)] == ["b"]


@pytest.mark.parametrize("with_traits", [True, False])
def test_rows_come_one_after_the_other_as_they_do_at_once(lead, enter, monkeypatch, with_traits):
    monkeypatch.setattr("napari_medclf.store.runs.ledger._AT_ONCE", 3)
    first = lead()
    first.plan(_pending(*"dcbagfe"))
    enter(first, "b", traits={"volume_ml": 1.5})
    first.close()
    leader = lead(resume=True, flush_s=3600)
    enter(leader, "c", traits={"volume_ml": 2.5})  # in the tail alone, as the next one, which was not planned
    enter(leader, "z")
    rows = leader.folder.ledger.rows(with_traits=with_traits)
    assert [row.case_id for row in rows] == [*"dcbagfe", "z"]
    assert list(leader.folder.ledger.each_row(with_traits=with_traits)) == rows
    assert list(leader.folder.each_case(with_traits=with_traits)) == [row.record() for row in rows]


def test_readers_never_miss_a_case_that_ended(lead, enter):
    leader = lead(flush_s=0.001)
    leader.plan(_pending(*map(str, range(300))))
    n_done, short, stop = [0], [], threading.Event()

    def read():
        ledger = Ledger.open(leader.folder.folder)
        while not stop.is_set():
            least = n_done[0]
            counts = ledger.counts()
            if counts.get(CaseStatus.DONE, 0) < least or sum(counts.values()) != 300:
                short.append((least, counts))

    readers = [threading.Thread(target=read) for _ in range(2)]
    for one in readers:
        one.start()
    for number in range(300):
        enter(leader, str(number))
        n_done[0] = number + 1
    stop.set()
    for one in readers:
        one.join()
    assert short == []
    leader.close()
    assert Ledger.open(leader.folder.folder).counts() == {"done": 300}


def test_tail_that_is_flushed_beside_is_cut_when_it_grows(lead, enter, tmp_path, monkeypatch):
    monkeypatch.setattr("napari_medclf.store.runs.leader._MOST_LINES", 20)
    leader = lead(flush_s=0.002)
    tail, longest = tmp_path / "out" / "ledger.tail", 0
    for number in range(2_000):
        enter(leader, str(number))
        leader._ledger._is_closing.wait(0.001)
        n_lines = tail.read_bytes().count(b"\n")
        if n_lines < longest > 20:
            break
        longest = max(longest, n_lines)
    assert n_lines < longest
    shutil.copytree(tmp_path / "out", tmp_path / "killed")
    again = lead("killed", resume=True)
    assert {row.case_id for row in again.rows()} == set(map(str, range(number + 1)))


def test_other_programs_read_the_file(lead, tmp_path, enter):
    leader = lead()
    enter(leader, "a", values={"volume_ml": 2.5})
    leader.close()
    with sqlite3.connect(tmp_path / "out" / "ledger.sqlite") as connection:
        found = connection.execute("SELECT case_id, status, json_extract(\"values\", '$.volume_ml') FROM cases")
        assert found.fetchall() == [("a", "done", 2.5)]
        assert connection.execute("SELECT model, answered_by FROM run").fetchall() == [("nuclei", "m" * 64)]


def test_folder_without_a_ledger_is_refused(tmp_path):
    with pytest.raises(OptionError, match=r"holds no run; ledger\.sqlite was expected"):
        Ledger.open(tmp_path)


def test_damaged_ledger_is_one_sentence(lead, tmp_path):
    lead().close()
    (tmp_path / "out" / "ledger.sqlite").write_bytes(b"no database at all, but long enough for its header" * 40)
    with pytest.raises(OptionError, match="cannot be read as a ledger"):
        Ledger.open(tmp_path / "out").rows()
    with pytest.raises(OptionError, match="cannot be read as a ledger"):
        lead(resume=True)


def test_ledger_of_a_newer_version_is_left_alone(lead, tmp_path):
    lead().close()
    with sqlite3.connect(tmp_path / "out" / "ledger.sqlite") as connection:
        connection.execute("PRAGMA user_version = 7")
    with pytest.raises(OptionError, match="newer|version 7"):
        lead(resume=True)


def test_ledger_with_other_columns_is_one_sentence(lead, tmp_path):
    lead().close()
    with sqlite3.connect(tmp_path / "out" / "ledger.sqlite") as connection:
        connection.execute("ALTER TABLE cases DROP COLUMN doubts")
    with pytest.raises(OptionError, match=r"cannot be read as a ledger \(no such column"):
        Ledger.open(tmp_path / "out").rows()
    with pytest.raises(OptionError, match="another version of this program"):
        lead(resume=True)
    with sqlite3.connect(tmp_path / "out" / "ledger.sqlite") as connection:
        connection.execute("DROP TABLE run")
    with pytest.raises(OptionError, match=r"cannot be read as a ledger \(no such table"):
        lead(resume=True)


def test_ledger_of_a_kill_in_the_middle_of_a_flush_is_read(lead, enter, tmp_path):
    leader = lead()
    enter(leader, "a")
    connection = leader._ledger._connection
    connection.execute("PRAGMA cache_size = 1")
    connection.execute("PRAGMA cache_spill = 1")
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany(
        "INSERT INTO cases (source, case_id, status, position, seq) VALUES (?, ?, 'done', 9, 99)",
        [(f"{number}.png", "x" * 2_000) for number in range(200)],
    )
    shutil.copytree(tmp_path / "out", tmp_path / "killed")
    connection.execute("ROLLBACK")
    assert (tmp_path / "killed" / "ledger.sqlite-journal").stat().st_size > 0
    assert set(Ledger.open(tmp_path / "killed").records()) == {"in/a.png"}
    again = lead("killed", resume=True)
    assert [row.case_id for row in again.rows()] == ["a"]
