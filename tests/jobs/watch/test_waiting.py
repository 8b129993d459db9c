"""What has arrived is run once nothing happens to it any more, and then not again."""

from __future__ import annotations

from pathlib import Path

from napari_medclf.io.arrived import FileNote
from napari_medclf.jobs.watch.waiting import Stamp, Waiting


def saw(waiting, name, now_s, *, unit="study", n_bytes=10):
    waiting.saw(FileNote(Path(name), unit), Stamp(n_bytes, 5), now_s)


def names(units):
    return [unit.name for unit in units]


def test_unit_is_due_when_nothing_changed_for_the_time_to_settle():
    waiting = Waiting(10, 100)
    saw(waiting, "a", 0.0)
    saw(waiting, "b", 6.0)
    assert waiting.due(15.0) == []
    assert names(waiting.due(16.0)) == ["study"]


def test_file_that_still_grows_keeps_its_unit_waiting():
    waiting = Waiting(10, 100)
    saw(waiting, "a", 0.0, n_bytes=10)
    saw(waiting, "a", 8.0, n_bytes=20)
    assert waiting.due(12.0) == []
    assert names(waiting.due(18.0)) == ["study"]


def test_interleaved_units_do_not_wait_for_each_other():
    waiting = Waiting(10, 100)
    saw(waiting, "a", 0.0, unit="first")
    saw(waiting, "b", 5.0, unit="second")
    saw(waiting, "c", 6.0, unit="first")
    assert names(waiting.due(15.5)) == ["second"]
    assert names(waiting.due(16.5)) == ["second", "first"]


def test_unit_that_lacks_something_is_due_when_patience_is_over():
    waiting = Waiting(10, 100)
    saw(waiting, "a", 0.0)
    (unit,) = waiting.due(10.0)
    waiting.put_off(unit)
    assert waiting.due(99.0) == []
    saw(waiting, "b", 50.0)  # what it lacked may be this
    assert names(waiting.due(60.0)) == ["study"]


def test_unit_that_was_dealt_with_waits_again_only_when_something_changes():
    waiting = Waiting(10, 100)
    saw(waiting, "a", 0.0)
    (unit,) = waiting.due(10.0)
    waiting.dealt_with(unit, waiting.signature(unit))
    assert waiting.n_waiting == 0
    saw(waiting, "a", 11.0)
    assert waiting.due(1000.0) == []
    assert waiting.n_waiting == 0
    saw(waiting, "a", 1001.0)
    saw(waiting, "b", 1001.0)
    assert names(waiting.due(1011.0)) == ["study"]


def test_what_came_while_a_unit_was_run_is_not_lost():
    waiting = Waiting(10, 100)
    saw(waiting, "a", 0.0)
    (unit,) = waiting.due(10.0)
    signature = waiting.signature(unit)
    saw(waiting, "b", 12.0)
    waiting.dealt_with(unit, signature)
    assert names(waiting.due(22.0)) == ["study"]


def test_unit_as_it_was_before_a_restart_is_not_looked_at_again():
    before = Waiting(10, 100)
    saw(before, "a", 0.0)
    (unit,) = before.due(10.0)
    after = Waiting(10, 100, {"study": before.signature(unit)})
    saw(after, "a", 0.0)
    assert after.due(10.0) == []
    assert after.n_waiting == 0


def test_unit_broken_off_is_another_once_that_is_made_good():
    broken = {"study": "broke off"}
    waiting = Waiting(10, 100, how_left=lambda name: broken.get(name, ""))
    saw(waiting, "a", 0.0)
    (unit,) = waiting.due(10.0)
    waiting.dealt_with(unit, waiting.signature(unit))
    broken.clear()
    saw(waiting, "a", 20.0)
    assert names(waiting.due(30.0)) == ["study"]


def test_unit_whose_sender_says_that_this_was_all_is_looked_at_again_before_patience_is_over():
    waiting = Waiting(10, 1000)
    saw(waiting, "a", 0.0)
    (unit,) = waiting.due(10.0)
    waiting.put_off(unit)
    waiting.touch("study", 50.0)
    assert names(waiting.due(60.0)) == ["study"]


def test_files_are_known_as_dealt_with_by_their_stamps_alone():
    waiting = Waiting(10, 100)
    saw(waiting, "a", 0.0)
    (unit,) = waiting.due(10.0)
    waiting.dealt_with(unit, waiting.signature(unit))
    assert waiting.is_handled("study", {Path("a"): Stamp(10, 5)})
    assert not waiting.is_handled("study", {Path("a"): Stamp(11, 5)})
    assert not waiting.is_handled("study", {Path("a"): Stamp(10, 5), Path("b"): Stamp(10, 5)})


def test_unit_without_files_is_forgotten():
    waiting = Waiting(10, 100)
    saw(waiting, "a", 0.0)
    waiting.lost("study", Path("a"), 1.0)
    assert waiting.n_waiting == 0
    assert waiting.due(100.0) == []


def test_file_that_goes_makes_nothing_of_what_was_dealt_with():
    waiting = Waiting(10, 100)
    saw(waiting, "a", 0.0)
    saw(waiting, "b", 0.0)
    (unit,) = waiting.due(10.0)
    waiting.dealt_with(unit, waiting.signature(unit))
    waiting.lost("study", Path("a"), 11.0)
    assert waiting.due(100.0) == []
