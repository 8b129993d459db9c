from __future__ import annotations

import numpy as np

from napari_medclf.domain.events import FinishReason
from napari_medclf.domain.stroke import Stroke, StrokeKind
from napari_medclf.io.digest import array_digest
from napari_medclf.jobs.api import run
from napari_medclf.jobs.drive import drive
from napari_medclf.jobs.rerun import RerunOptions, rerun
from napari_medclf.jobs.session.protocol import SessionOptions, session
from napari_medclf.jobs.session.rerun import rerun_session
from napari_medclf.store.strokes.history import StrokeHistory
from napari_medclf.store.strokes.journal import StrokeJournal


def test_every_saved_answer_is_painted_again_to_the_same_labels(painter, tmp_path):
    painter.paint(5, seed=1)
    painter.accept()
    painter.paint(4, seed=2)
    painter.accept()
    again = run(rerun(RerunOptions(painter.folder, tmp_path / "again"))).result
    assert [one.is_same for one in again.answers] == [True, True]
    assert [one.n_strokes for one in again.answers] == [5, 9]
    assert again.n_without_strokes == 0


def test_answer_whose_note_a_kill_kept_from_the_journal_is_found_by_its_time(painter, tmp_path):
    painter.paint(5)
    painter.accept(is_told=False)
    assert run(rerun_session(painter.folder, tmp_path / "again")).answers[0].is_same


def test_stroke_that_was_changed_is_found(painter, tmp_path):
    painter.paint(5)
    painter.accept()
    path = next(painter.folder.rglob("*.strokes"))
    history = StrokeHistory(painter.folder, painter.image.source.digest)
    content = path.read_bytes()
    place = content.rfind(b"\xa5STK", 0, content.rfind(b"\xa5STK"))
    path.write_bytes(content[:place] + content[content.rfind(b"\xa5STK") :])  # the last stroke but not its answer
    assert len(list(history.strokes())) == 4
    outcome = drive(rerun_session(painter.folder, tmp_path / "again"))
    assert outcome.reason is FinishReason.COMPLETED
    assert "other labels" in outcome.failures[0].reason


def test_values_of_a_wide_type_are_compared_as_values(painter, tmp_path):
    voxels = np.array([3, 4])
    painter.journal.append(Stroke(StrokeKind.PAINT, voxels, painter.labels.reshape(-1)[voxels], np.array([2, 2])))
    painter.labels.reshape(-1)[voxels] = 2
    painter.labels = painter.labels.astype(np.int32)
    painter.accept()
    assert run(rerun_session(painter.folder, tmp_path / "again")).answers[0].is_same


def test_protocol_tells_painting_and_saving_in_order(painter):
    painter.paint(5)
    painter.accept()
    deeds = run(session(SessionOptions(painter.folder)))
    assert [one.what for one in deeds] == ["painting", "case", "annotation"]
    assert (deeds[0].n_strokes, deeds[0].n_vox, deeds[0].who) == (5, 125, "ada")


def test_strokes_of_another_window_count_only_once_the_saving_one_had_seen_them(painter, tmp_path):
    other = StrokeJournal.open(painter.folder, painter.image.source.digest, "other")
    seen = painter.journal.replay().seen
    voxels = np.array([2, 5, 40])

    def paint_there(value):
        other.append(Stroke(StrokeKind.PAINT, voxels, np.zeros(3, int), np.full(3, value), author="grace"))

    paint_there(1)
    painter.paint(3, seed=1)
    painter.accept(is_told=False)
    painter.journal.append_saved(array_digest(painter.labels), seen=seen)  # nobody had looked at the other window yet
    for one in painter.journal.changed_since(seen).strokes:
        painter.labels.reshape(-1)[one.stroke.voxels] = one.stroke.after
    seen = painter.journal.changed_since(seen).seen
    paint_there(2)
    painter.accept(is_told=False)
    painter.journal.append_saved(array_digest(painter.labels), seen=seen)
    other.close()
    again = run(rerun_session(painter.folder, tmp_path / "again"))
    assert [one.is_same for one in again.answers] == [True, True], again.answers
