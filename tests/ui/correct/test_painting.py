"""Painting with a real mouse: on the disk at once, taken back stroke by stroke, found again, shared, and locked."""

from __future__ import annotations

from functools import partialmethod

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.stroke import Stroke, StrokeKind
from napari_medclf.domain.voxel_origin import VoxelOrigin
from napari_medclf.store.project import Project
from napari_medclf.store.strokes.history import StrokeHistory
from napari_medclf.store.strokes.journal import StrokeJournal
from napari_medclf.store.strokes.stroke_file import StrokeFile

DISC = LabelSchema.from_names(["disc", "rim"], first_value=1)


@pytest.fixture
def painted(workbench, person, pictures, until):
    """The first picture with empty labels, and a brush in the hand."""
    session = workbench.session
    session.open_path(pictures)
    until(lambda: session.image is not None)
    session.begin_labels(DISC)
    until(lambda: not session.lane.is_busy)
    return session.labels_layer


def history_of(session, layer) -> StrokeHistory:
    state = session.painting.state(layer)
    return StrokeHistory(state.folder, state.image.source.digest)


def kinds(session, layer) -> list[StrokeKind]:
    return [one.stroke.kind for one in history_of(session, layer).strokes()]


def test_undo_and_redo_are_strokes_of_their_own(workbench, person, painted) -> None:
    session, empty = workbench.session, painted.data.copy()
    person.stroke((0.3, 0.3), (0.3, 0.6))
    first = painted.data.copy()
    person.press(Qt.Key.Key_2)
    person.stroke((0.25, 0.45), (0.6, 0.45))
    second = painted.data.copy()
    assert (first != empty).any()
    assert (second != first).any()

    person.press(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    np.testing.assert_array_equal(painted.data, first)
    person.press(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    np.testing.assert_array_equal(painted.data, empty)
    assert not session.painting.origin_of(painted).any()
    person.press(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)  # nothing is left; napari's own undo must not act
    np.testing.assert_array_equal(painted.data, empty)
    both = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
    person.press(Qt.Key.Key_Z, both)
    np.testing.assert_array_equal(painted.data, first)
    assert kinds(session, painted) == [*[StrokeKind.PAINT] * 2, *[StrokeKind.UNDO] * 2, StrokeKind.REDO]
    replayed = history_of(session, painted).replay()
    np.testing.assert_array_equal(replayed.labels[0], painted.data)
    np.testing.assert_array_equal(replayed.origin, session.painting.origin_of(painted))


def test_undo_takes_back_what_a_model_changed(workbench, person, painted, until) -> None:
    session = workbench.session
    person.stroke((0.3, 0.3), (0.3, 0.6))
    mine = painted.data.copy()
    everything = np.full((1, *mine.shape), 2, np.uint8)
    session.painting.take_prediction(painted, everything, None, "run")
    until(lambda: (painted.data == 2).any())
    np.testing.assert_array_equal(painted.data, np.where(mine != 0, mine, 2))  # the stroke is locked
    person.press(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    np.testing.assert_array_equal(painted.data, mine)
    assert kinds(session, painted) == [StrokeKind.PAINT, StrokeKind.MODEL, StrokeKind.UNDO]


def test_where_the_model_contradicts_the_person_is_told(workbench, person, painted, until) -> None:
    told = []
    workbench.session.painting.merged.connect(lambda layer, merged: told.append(merged))
    person.stroke((0.3, 0.3), (0.3, 0.6))
    n_mine = np.count_nonzero(painted.data)
    workbench.session.painting.take_prediction(painted, np.full((1, *painted.data.shape), 2, np.uint8), None, "run")
    until(lambda: told)
    assert [(one.model_value, one.person_value) for one in told[0].disagreements] == [(2, 1)]
    assert sum(one.n_vox for one in told[0].disagreements) == n_mine


def test_painting_of_a_window_that_was_killed_comes_back_with_its_undo(workbench, person, painted, until) -> None:
    session = workbench.session
    person.stroke((0.3, 0.3), (0.3, 0.6))
    first = painted.data.copy()
    person.stroke((0.25, 0.45), (0.6, 0.45))
    second = painted.data.copy()
    for layer, state in session.painting._states.items():  # a kill asks nobody: only the files are left
        session.painting._states.forget(layer)
        state.close()
    image = session.image
    session.open_index(0)
    until(lambda: session.image is not image and session.labels_layer is not None and not session.lane.is_busy)
    found = session.labels_layer
    np.testing.assert_array_equal(found.data, second)
    assert session.painting.is_dirty(found)
    assert set(np.unique(session.painting.origin_of(found))) == {VoxelOrigin.MODEL, VoxelOrigin.PERSON}
    person.press(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    np.testing.assert_array_equal(found.data, first)


def test_what_was_accepted_is_not_restored_as_unsaved(workbench, person, painted, until) -> None:
    session = workbench.session
    person.stroke((0.3, 0.3), (0.3, 0.6))
    history = history_of(session, painted)
    person.press(Qt.Key.Key_N)
    until(lambda: session.image is not None and session.image.name == "disc-1" and not session.lane.is_busy)
    assert not history.is_unsaved()
    project = Project.open(session.user_folder / "projects" / "by-hand")
    said = project.cases()[0].answer.annotation
    assert said.n_strokes == 1
    assert 0 < said.active_s < 30
    session.open_index(0)
    until(lambda: session.image.name == "disc-0" and session.labels_layer is not None)
    assert not session.painting.is_dirty(session.labels_layer)
    assert session.painting.origin_of(session.labels_layer).any()  # what was painted stays locked


def test_heavy_strokes_are_compacted_behind_the_person_once_they_were_accepted(
    workbench, person, painted, until, monkeypatch
) -> None:
    light = partialmethod(StrokeJournal.compact_if_heavy, most_bytes=1)
    monkeypatch.setattr(StrokeJournal, "compact_if_heavy", light)
    session = workbench.session
    person.stroke((0.3, 0.3), (0.3, 0.6))
    drawn, history = painted.data.copy(), history_of(session, painted)
    person.press(Qt.Key.Key_N)
    until(lambda: session.image is not None and session.image.name == "disc-1" and not session.lane.is_busy)
    assert history.base().info.is_checkpoint
    assert history.replay().n_strokes == 0
    session.open_index(0)
    until(lambda: session.image.name == "disc-0" and session.labels_layer is not None)
    np.testing.assert_array_equal(session.labels_layer.data, drawn)
    session.labels_layer.mode = "paint"
    person.stroke((0.6, 0.3), (0.6, 0.6))  # and painting goes on from there
    assert history.is_unsaved()
    assert len(history.moments()) == 2


def test_strokes_of_another_window_arrive(workbench, person, painted, until) -> None:
    session = workbench.session
    person.stroke((0.3, 0.3), (0.3, 0.6))
    mine = painted.data.copy()
    state = session.painting.state(painted)
    other = StrokeJournal.open(state.folder, state.image.source.digest, "another-window")
    voxels = np.array([3, 4, 5])
    other.append(Stroke(StrokeKind.PAINT, voxels, np.zeros(3, int), np.full(3, 2), author="reader 2"))
    until(lambda: painted.data.reshape(-1)[4] == 2, 10)
    expected = mine.copy()
    expected.reshape(-1)[voxels] = 2
    np.testing.assert_array_equal(painted.data, expected)
    person.press(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)  # takes back one's own, not theirs
    assert np.flatnonzero(painted.data).tolist() == voxels.tolist()
    np.testing.assert_array_equal(history_of(session, painted).replay().labels[0], painted.data)
    other.close()


def test_what_another_window_does_counts_as_nothing_of_this_person(
    workbench, person, painted, until, monkeypatch
) -> None:
    session, help_ = workbench.session, workbench.correct.help
    person.stroke((0.3, 0.3), (0.3, 0.6))
    state, region = session.painting.state(painted), help_._last
    help_._beside.put(painted, ["said by a click here"])
    help_.is_live = True
    here, there, acts = [], [], []
    session.painting.stroked.connect(lambda layer, stroke: here.append(stroke))
    session.painting.joined.connect(lambda layer, voxels: there.extend(voxels.tolist()))
    monkeypatch.setattr(session.effort, "act", lambda: acts.append(1))
    with monkeypatch.context() as patched:
        patched.setattr(help_, "here", lambda: acts.append("asked the model"))
        other = StrokeJournal.open(state.folder, state.image.source.digest, "another-window")
        for first, tool, kind in ((3, "", StrokeKind.PAINT), (90, "prompt", StrokeKind.UNDO)):
            voxels = np.arange(first, first + 3)
            other.append(Stroke(kind, voxels, np.zeros(3, int), np.full(3, 2), author="reader 2", tool=tool))
        until(lambda: len(there) == 6, 10)
        until(lambda: not session.lane.is_busy)
    assert sorted(there) == [3, 4, 5, 90, 91, 92]
    assert (here, acts) == ([], [])
    assert state.n_strokes == 1
    assert help_._last is region
    assert help_._beside.get(painted) == ["said by a click here"]
    help_._beside.forget(painted)
    other.close()


def test_full_disk_is_told_and_painting_is_written_when_there_is_room(
    workbench, person, painted, until, monkeypatch
) -> None:
    session = workbench.session
    person.stroke((0.3, 0.3), (0.3, 0.6))

    def full_disk(self, content: bytes) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(StrokeFile, "append", full_disk)
        person.stroke((0.25, 0.45), (0.6, 0.45))
        assert "only in memory" in workbench.correct.subject.text()
        assert "No space left" in workbench.correct.trouble.text()
        until(lambda: session.autosave.copies.path(session.image).is_file(), 5)
        assert kinds(session, painted) == [StrokeKind.PAINT]
    until(lambda: not session.painting.problem, 10)
    assert workbench.correct.trouble.text() == ""
    assert kinds(session, painted) == [StrokeKind.PAINT] * 2
    np.testing.assert_array_equal(history_of(session, painted).replay().labels[0], painted.data)


def test_labels_that_another_plugin_puts_in_place_are_a_stroke_too(workbench, person, painted) -> None:
    other = np.zeros_like(painted.data)
    other[3:9, 4:20] = 2
    painted.data = other
    np.testing.assert_array_equal(history_of(workbench.session, painted).replay().labels[0], other)
    person.press(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert not painted.data.any()


def test_second_labels_of_an_image_do_not_mix_with_the_first(workbench, person, painted, until) -> None:
    session = workbench.session
    person.stroke((0.3, 0.3), (0.3, 0.6))
    session.begin_labels(DISC)
    second = session.labels_layer
    assert second != painted
    until(lambda: not session.lane.is_busy)
    person.stroke((0.25, 0.45), (0.6, 0.45))
    assert np.count_nonzero(second.data) > 0
    np.testing.assert_array_equal(history_of(session, second).replay().labels[0], second.data)
    assert (painted.data != second.data).any()
