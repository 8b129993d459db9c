from __future__ import annotations

import numpy as np
import pytest

from napari_medclf.domain.annotation import Origin
from napari_medclf.domain.errors import DatasetError, OptionError
from napari_medclf.io.labels import read_label_map
from napari_medclf.jobs.api import run
from napari_medclf.jobs.session.restore import RestoreOptions, restore
from napari_medclf.store.project import Project
from napari_medclf.store.strokes.journal import StrokeJournal


def _restore(painter, **more):
    case = Project.open(painter.folder).cases()[0].case_id
    return run(restore(RestoreOptions(painter.folder, case, **more)))


def _newest(painter) -> np.ndarray:
    return read_label_map(Project.open(painter.folder).cases()[0].versions[-1].label_map.path).labels


def test_strokes_are_listed_without_a_moment_and_nothing_is_saved(painter):
    painter.paint(5)
    painter.accept()
    found = _restore(painter)
    assert [step.n_vox for step in found.steps] == [25] * 5
    assert found.steps[0].author == "ada"
    assert len(Project.open(painter.folder).cases()[0].versions) == 1


@pytest.mark.parametrize("number", [1, 3, 5])
def test_any_stroke_is_gone_back_to_as_a_new_version(painter, number):
    states = painter.paint(5)
    painter.accept()
    found = _restore(painter, at=str(number), author="grace")
    np.testing.assert_array_equal(_newest(painter), states[number - 1])
    versions = Project.open(painter.folder).cases()[0].versions
    assert len(versions) == 2
    assert versions[-1].annotation.author == "grace"
    assert found.annotation.origin is Origin.CORRECTED
    assert found.annotation.model == "organs"
    assert found.n_strokes == number


def test_before_the_first_stroke_is_what_the_model_said(painter):
    painter.paint(2)
    painter.accept()
    found = _restore(painter, at="0")
    np.testing.assert_array_equal(_newest(painter), painter.model_labels)
    assert found.annotation.origin is Origin.ACCEPTED


def test_time_as_it_is_listed_is_understood(painter):
    states = painter.paint(4)
    painter.accept()
    step = _restore(painter).steps[1]
    same_ms = sum(one.moment.at <= step.moment.at for one in _restore(painter).steps)
    _restore(painter, at=step.moment.at)
    np.testing.assert_array_equal(_newest(painter), states[same_ms - 1])


def test_painting_goes_on_from_the_restored_labels_and_later_strokes_are_kept(painter):
    states = painter.paint(4)
    painter.accept()
    _restore(painter, at="2")
    journal = StrokeJournal.open(painter.folder, painter.image.source.digest)
    np.testing.assert_array_equal(journal.replay().labels, states[1])
    assert not journal.is_unsaved()
    _restore(painter, at="4")
    np.testing.assert_array_equal(_newest(painter), states[3])


def test_labels_can_go_to_a_file_instead(painter, tmp_path):
    states = painter.paint(3)
    painter.accept()
    found = _restore(painter, at="2", out=tmp_path / "then.nii.gz")
    np.testing.assert_array_equal(read_label_map(tmp_path / "then.nii.gz").labels, states[1])
    assert found.annotation is None
    assert len(Project.open(painter.folder).cases()[0].versions) == 1


@pytest.mark.parametrize("at", ["9", "yesterday"])
def test_moment_that_is_none_is_refused(painter, at):
    painter.paint(1)
    painter.accept()
    with pytest.raises(OptionError, match="stroke"):
        _restore(painter, at=at)


def test_case_that_nobody_painted_on_is_told(painter):
    painter.accept(is_told=False)
    with pytest.raises(DatasetError, match="nobody painted"):
        _restore(painter)
