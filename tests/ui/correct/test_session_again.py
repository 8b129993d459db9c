"""What was painted in the window and accepted is painted again by `medclf rerun`, voxel for voxel."""

from __future__ import annotations

import pytest
from qtpy.QtCore import Qt

from napari_medclf.domain.labels import LabelSchema
from napari_medclf.jobs.api import run
from napari_medclf.jobs.session.protocol import SessionOptions, session
from napari_medclf.jobs.session.rerun import rerun_session
from napari_medclf.store.audit_check import check_audit
from napari_medclf.store.project import Project

DISC = LabelSchema.from_names(["disc", "rim"], first_value=1)


@pytest.fixture
def accepted(workbench, person, pictures, until) -> Project:
    """Two pictures that were painted on with mouse and keys, an undo among it, and accepted."""
    window = workbench.session
    window.open_path(pictures)
    until(lambda: window.image is not None)
    folder = window.project_folder(None)
    for n_accepted in (1, 2):
        shown = window.image
        window.begin_labels(DISC)
        until(lambda: not window.lane.is_busy)
        person.stroke((0.3, 0.3), (0.3, 0.6))
        person.press(Qt.Key.Key_2)
        person.stroke((0.25, 0.45), (0.6, 0.45))
        person.press(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
        person.stroke((0.5, 0.3), (0.6, 0.6))
        person.press(Qt.Key.Key_N)
        until(lambda: Project.is_project(folder) and len(Project.open(folder).cases()) == n_accepted)  # noqa: B023
        until(lambda: not window.lane.is_busy and window.image is not shown)  # noqa: B023
    return Project.open(folder)


def test_session_of_the_window_is_done_again_to_the_same_labels(accepted, tmp_path) -> None:
    again = run(rerun_session(accepted.folder, tmp_path / "again"))
    assert [(one.is_same, one.n_strokes) for one in again.answers] == [(True, 4), (True, 4)], again.answers
    assert again.n_without_strokes == 0
    assert check_audit(accepted.folder).is_whole
    whats = [one.what for one in run(session(SessionOptions(accepted.folder)))]
    assert whats.count("painting") == 2
    assert whats.count("annotation") == 2
