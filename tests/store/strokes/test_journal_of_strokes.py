from __future__ import annotations

import os
import sys
from contextlib import closing

import numpy as np
import pytest

from napari_medclf.domain.errors import ReadError, WriteError
from napari_medclf.domain.mark import Mark
from napari_medclf.domain.results import Scope
from napari_medclf.domain.stroke import Stroke, StrokeKind
from napari_medclf.store.strokes.bases import BaseInfo
from napari_medclf.store.strokes.journal import Seen, StrokeJournal
from napari_medclf.testing.faults import How, each_fault, faulty_disk

DIGEST = "5e" * 32
SHAPE = (3, 11, 17)
needs_proc = pytest.mark.skipif(sys.platform != "linux", reason="open files are told by /proc")


def _painted(strokes):
    labels = np.zeros(SHAPE, np.uint8)
    for stroke in strokes:
        labels.reshape(-1)[stroke.voxels] = stroke.after
    return labels


def _open(folder, writer_id=""):
    return StrokeJournal.open(folder, DIGEST, writer_id)


@pytest.fixture
def project(tmp_path):
    """A folder of its own, beside which there is room for copies."""
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


@pytest.fixture
def journal(project, base_info):
    """A journal on empty labels."""
    journal = _open(project, "ada")
    journal.begin_base(base_info)
    yield journal
    journal.close()


def test_opening_and_reading_write_nothing(project):
    journal = _open(project)
    assert list(journal.strokes()) == []
    assert journal.base() is None
    assert not journal.is_unsaved()
    assert list(project.iterdir()) == []


def test_strokes_come_back_in_order_to_the_bit(project, journal, strokes):
    made = list(strokes(20))
    assert [journal.append(one) for one in made] == list(range(2, 22))
    found = list(_open(project).strokes())
    assert [one.seq for one in found] == list(range(2, 22))
    for one, other in zip(found, made, strict=True):
        for name in ("voxels", "before", "after"):
            np.testing.assert_array_equal(getattr(one.stroke, name), getattr(other, name))


def test_replay_gives_the_painted_labels(project, journal, strokes):
    made = list(strokes(20))
    for one in made:
        journal.append(one)
    replayed = _open(project).replay()
    np.testing.assert_array_equal(replayed.labels, _painted(made))
    assert replayed.n_strokes == 20
    assert replayed.origin.astype(bool).sum() == len(np.unique(np.concatenate([one.voxels for one in made])))


def test_any_moment_is_restored_also_after_compacting(project, journal, strokes):
    made = list(strokes(12))
    for number, one in enumerate(made):
        journal.append(one)
        if number == 7:
            journal.compact()
    journal.close()
    _open(project).compact()
    reader = _open(project)
    for number, step in enumerate(reader.moments(), start=1):
        found = reader.replay(until=step.moment)
        np.testing.assert_array_equal(found.labels, _painted(made[:number]))


def test_journal_is_compacted_once_it_is_heavy_and_all_of_it_was_accepted(project, journal, strokes):
    made = list(strokes(12))
    for one in made:
        journal.append(one)
    assert not journal.compact_if_heavy(most_bytes=10)  # nobody accepted it: taking back needs the single strokes
    journal.append_saved("ab")
    journal.close()
    with closing(_open(project)) as later:
        assert not later.compact_if_heavy(most_bytes=10**6)
        assert later.compact_if_heavy(most_bytes=10)
        assert not later.compact_if_heavy(most_bytes=10)  # nothing lies on the new base yet
    reader = _open(project)
    assert not reader.is_unsaved()
    assert reader.replay().n_strokes == 0
    np.testing.assert_array_equal(reader.replay().labels, _painted(made))
    for number, step in enumerate(reader.moments(), start=1):
        np.testing.assert_array_equal(reader.replay(until=step.moment).labels, _painted(made[:number]))


def test_labels_of_a_model_lie_under_the_strokes(project, strokes):
    base = np.random.default_rng(0).integers(0, 3, SHAPE).astype(np.uint8)
    journal = _open(project)
    base_id = journal.begin_base(BaseInfo(shape=SHAPE, dtype="uint8", model="liver", model_version="1.0"))
    stroke = next(iter(strokes(1)))
    journal.append(stroke)  # before the labels are on the disk
    journal.save_base(base_id, base, None, base)
    replayed = _open(project).replay()
    expected = base.copy()
    expected.reshape(-1)[stroke.voxels] = stroke.after
    np.testing.assert_array_equal(replayed.labels, expected)
    np.testing.assert_array_equal(replayed.model_labels, base)
    assert replayed.base.model == "liver"
    said = base.reshape(-1)[stroke.voxels]
    np.testing.assert_array_equal(replayed.origin.reshape(-1)[stroke.voxels], np.where(stroke.after == said, 2, 1))


def test_base_that_never_came_to_the_disk_is_told_and_can_be_given(project, strokes):
    journal = _open(project)
    journal.begin_base(BaseInfo(shape=SHAPE, dtype="uint8", model="liver"))
    made = list(strokes(3))
    for one in made:
        journal.append(one)
    with pytest.raises(ReadError, match="Run the model again"):
        journal.replay()
    np.testing.assert_array_equal(journal.replay(np.zeros(SHAPE, np.uint8)).labels, _painted(made))


def test_lost_second_base_keeps_the_strokes_on_the_first(journal, strokes):
    made = list(strokes(4))
    for one in made[:2]:
        journal.append(one)
    journal.begin_base(BaseInfo(shape=SHAPE, dtype="uint8", model="liver"))
    for one in made[2:]:
        journal.append(one)
    replayed = journal.replay()
    np.testing.assert_array_equal(replayed.labels, _painted(made))
    assert "not there" in replayed.notes[0]


def test_new_base_begins_anew_and_the_time_before_can_be_restored(journal, strokes):
    made = list(strokes(2))
    journal.append(made[0])
    before = journal.moments()[-1].moment
    base_id = journal.begin_base(BaseInfo(shape=SHAPE, dtype="uint8", model="liver"))
    journal.save_base(base_id, np.full(SHAPE, 3, np.uint8))
    assert (journal.replay().labels == 3).all()
    np.testing.assert_array_equal(journal.replay(until=before).labels, _painted(made[:1]))


def test_damaged_base_is_told(project, journal, strokes):
    base_id = journal.begin_base(BaseInfo(shape=SHAPE, dtype="uint8"))
    journal.save_base(base_id, np.arange(np.prod(SHAPE), dtype=np.uint16).reshape(SHAPE))
    path = next(project.rglob(f"{base_id}.npz"))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    assert "damaged" in journal.replay().notes[0]


def test_classes_and_saves_are_kept(project, journal, strokes):
    mark = Mark(case_id="c", scope=Scope.IMAGE, classes=("benign",), author="ada", created="2026-11-21T10:00:00Z")
    journal.append_mark(mark)
    assert journal.is_unsaved()
    journal.append_saved("d1" * 32, "labels/c/1.nii.gz")
    assert not journal.is_unsaved()
    journal.append(next(iter(strokes(1))))
    reader = _open(project)
    assert reader.is_unsaved()
    assert [one.mark for one in reader.history.marks()] == [mark]
    assert [one.label_digest for one in reader.history.saved()] == ["d1" * 32]


def test_two_windows_see_each_others_strokes_and_none_is_lost(project, journal, strokes):
    other = _open(project, "grace")
    seen_by_ada, seen_by_grace = journal.replay().seen, other.replay().seen
    all_strokes = []
    for ours, theirs in zip(strokes(10, seed=1), strokes(10, seed=2), strict=True):
        journal.append(ours)
        news = other.changed_since(seen_by_grace)
        seen_by_grace = news.seen
        np.testing.assert_array_equal(news.strokes[0].stroke.voxels, ours.voxels)
        assert len(news.strokes) == 1
        other.append(theirs)
        news = journal.changed_since(seen_by_ada)
        seen_by_ada = news.seen
        np.testing.assert_array_equal(news.strokes[0].stroke.voxels, theirs.voxels)
        assert not journal.changed_since(seen_by_ada)
        all_strokes += [ours, theirs]
    other.close()
    np.testing.assert_array_equal(_open(project).replay().labels, _painted(all_strokes))


def test_news_come_also_to_who_asks_from_the_beginning(project, journal, strokes):
    other = _open(project, "grace")
    journal.append(next(iter(strokes(1))))
    assert other.changed_since(Seen()).has_new_base
    assert len(other.changed_since(Seen()).strokes) == 1


def test_clock_that_goes_wrong_keeps_cause_before_effect(project, journal, strokes, monkeypatch):
    first, second = strokes(2)
    journal.append(first)
    other = _open(project, "grace")  # knows the first
    monkeypatch.setattr("time.time_ns", lambda: 1)  # its computer's clock stands in 1970
    other.append(second)
    other.close()
    assert [one.writer_id for one in _open(project).strokes()] == ["ada", "grace"]


def test_writer_that_comes_back_goes_on_counting(project, journal, strokes):
    first, second = strokes(2)
    journal.append(first)
    journal.close()
    again = _open(project, "ada")
    assert again.append(second) == 3
    again.close()
    assert len(list(_open(project).strokes())) == 2


def test_one_writer_id_in_two_windows_is_refused(project, journal, strokes):
    other = _open(project, "ada")
    with pytest.raises(WriteError, match="another window"):
        other.append(next(iter(strokes(1))))


def test_layers_do_not_mix(project, journal, strokes, base_info):
    second = StrokeJournal.open(project, DIGEST, "ada", layer="vessels")
    second.begin_base(base_info)
    second.append(next(iter(strokes(1))))
    second.close()
    assert list(journal.strokes()) == []
    assert len(list(StrokeJournal.open(project, DIGEST, layer="vessels").strokes())) == 1


def test_torn_end_is_cut_off_when_the_writer_comes_back(project, journal, strokes):
    first, second = strokes(2)
    journal.append(first)
    journal.close()
    path = next(project.rglob("ada.strokes"))
    path.write_bytes(path.read_bytes()[:-1] + b"\xa5STKgarbage")
    again = _open(project, "ada")
    assert list(again.strokes()) == []
    again.append(second)
    again.close()
    assert [one.stroke.voxels.tolist() for one in _open(project).strokes()] == [second.voxels.tolist()]


def test_files_of_closed_windows_become_one_and_a_living_one_stays(project, journal, strokes):
    made = list(strokes(9))
    for number in range(4):
        one = _open(project, f"w{number}")
        one.append(made[number])
        one.close()
    journal.append(made[4])
    packer = _open(project, "grace")
    assert packer.compact() == 4
    names = sorted(path.name.partition("-")[0] for path in project.rglob("*.strokes"))
    assert names == ["ada.strokes", "grace.strokes", "packed"]
    journal.append(made[5])
    assert len(list(_open(project).strokes())) == 6


def test_files_joined_while_another_reads_are_read_once(project, journal, strokes):
    made = list(strokes(4))
    for number in range(3):
        one = _open(project, f"w{number}")
        one.append(made[number])
        one.close()
    kept = {path: path.read_bytes() for path in project.rglob("w*.strokes")}
    assert _open(project).compact() == 3
    for path, content in kept.items():  # as a kill leaves them that comes before they are removed
        path.write_bytes(content)
    assert len(list(_open(project).strokes())) == 3


def test_full_disk_keeps_strokes_in_memory_and_writes_them_when_there_is_room(project, strokes, base_info):
    made = list(strokes(5))
    with faulty_disk(project, 0, How.FULL) as disk:
        journal = _open(project, "ada")
        journal.begin_base(base_info)
        journal.append(made[0])
        disk.n = disk.n_calls + 1
        for one in made[1:3]:
            with pytest.raises(WriteError, match="in memory only"):
                journal.append(one)
        assert journal.n_waiting == 2
        assert len(list(_open(project).strokes())) == 1
        disk.n = 0  # there is room again
        journal.append(made[3])
    assert journal.n_waiting == 0
    journal.append(made[4])
    journal.close()
    np.testing.assert_array_equal(_open(project).replay().labels, _painted(made))
    assert [one.seq for one in _open(project).strokes()] == [2, 3, 4, 5, 6]


def test_retry_writes_what_waits(project, journal, strokes):
    with faulty_disk(project, 1, How.FULL), pytest.raises(WriteError):
        journal.append(next(iter(strokes(1))))
    assert journal.retry() == 1
    assert journal.retry() == 0
    assert len(list(_open(project).strokes())) == 1


@needs_proc
@pytest.mark.parametrize("how", How)
def test_every_fault_keeps_every_stroke_whose_call_returned(project, strokes, base_info, how):
    made = list(strokes(4))
    for writer_id in ("older", "old"):  # two that are gone, to be joined
        with closing(_open(project, writer_id)) as journal:
            if writer_id == "older":
                journal.begin_base(base_info)
            else:
                journal.append(made[0])
    returned = os.open(project.with_name("returned"), os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def act():
        with closing(_open(project, "new")) as journal:
            for one in made[1:3]:
                journal.append(one)
                os.write(returned, b".")
            base_id = journal.begin_base(BaseInfo(shape=SHAPE, dtype="uint8"))
            journal.save_base(base_id, _painted(made[:3]))
            journal.append(made[3])
            os.write(returned, b".")
            assert journal.compact() == 2

    def check(is_done):
        n_returned = os.fstat(returned).st_size
        os.ftruncate(returned, 0)
        found = _open(project)
        n_found = len(list(found.strokes()))
        assert n_returned <= n_found - 1 <= 3
        np.testing.assert_array_equal(found.replay().labels, _painted(made[:n_found]))

    assert each_fault(project, act, check, how) >= 15


def test_what_a_model_says_against_a_person_is_known_again(project, journal, strokes):
    stroke = next(iter(strokes(1)))
    journal.append(stroke)
    said = Stroke(StrokeKind.MODEL, stroke.voxels, stroke.before, np.full(len(stroke), 9, np.uint8))
    journal.append_heard(said)
    replayed = _open(project).replay()
    assert (replayed.model_labels.reshape(-1)[stroke.voxels] == 9).all()
    np.testing.assert_array_equal(replayed.labels, _painted([stroke]))
    assert (replayed.origin.reshape(-1)[stroke.voxels] != 0).all()


def test_files_are_joined_only_where_there_are_many(project, journal, strokes):
    for number in range(3):
        with closing(_open(project, f"w{number}")) as one:
            one.append(next(iter(strokes(1, seed=number))))
    assert journal.tidy(most_files=8) == 0
    assert journal.tidy(most_files=2) == 3
    assert len(list(_open(project).strokes())) == 3


def test_two_windows_that_paint_the_same_voxels_end_with_the_same_labels(project, journal, strokes):
    other = _open(project, "grace")
    shown = {journal: journal.replay().corrected(), other: other.replay().corrected()}
    seen = {journal: journal.replay().seen, other: other.replay().seen}
    ours, theirs = list(strokes(12, seed=1)), list(strokes(12, seed=2))
    for number, (one, another) in enumerate(zip(ours, theirs, strict=True)):
        for window, stroke in ((journal, one), (other, another)):
            window.append(stroke)
            shown[window].apply(stroke)
        if number % 4 == 3:  # they look now and then
            for window in (journal, other):
                news = window.changed_since(seen[window])
                seen[window] = news.seen
                for told in news.strokes:
                    shown[window].apply(told.stroke)
    other.close()
    expected = _open(project).replay().labels
    np.testing.assert_array_equal(shown[journal].labels, expected)
    np.testing.assert_array_equal(shown[other].labels, expected)


def test_model_of_one_window_never_changes_what_a_person_painted_in_another(project, journal, strokes):
    stroke = next(iter(strokes(1)))
    other = _open(project, "grace")
    journal.append(stroke)
    nine = np.full(len(stroke), 9, np.uint8)
    other.append(Stroke(StrokeKind.MODEL, stroke.voxels, stroke.before, nine))  # it had not seen the stroke yet
    other.close()
    np.testing.assert_array_equal(_open(project).replay().labels, _painted([stroke]))
