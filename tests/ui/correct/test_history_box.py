"""Any moment of the strokes on an image can be looked at, and restored by one stroke."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.stroke import StrokeKind
from napari_medclf.store.strokes.history import StrokeHistory

DISC = LabelSchema.from_names(["disc", "rim"], first_value=1)


@pytest.fixture
def painted(workbench, person, pictures, until):
    """The first picture with two strokes on empty labels."""
    session = workbench.session
    session.open_path(pictures)
    until(lambda: session.image is not None)
    session.begin_labels(DISC)
    until(lambda: not session.lane.is_busy)
    return session.labels_layer


def test_a_moment_is_shown_and_restored_by_one_stroke(workbench, person, painted, until) -> None:
    session, history = workbench.session, workbench.correct.history
    person.stroke((0.3, 0.3), (0.3, 0.6))
    first = painted.data.copy()
    person.stroke((0.25, 0.45), (0.6, 0.45))
    second = painted.data.copy()
    history._read()
    until(lambda: history.table.rowCount() == 2)
    assert history.table.item(0, 1).text() == "paint"
    assert int(history.table.item(1, 2).text().replace(",", "")) == np.count_nonzero(first)

    history.table.selectRow(1)
    until(lambda: history.restore_button.isEnabled())
    (shown,) = [layer for layer in session.viewer.layers if layer.name.startswith(f"{painted.name} · ")]
    np.testing.assert_array_equal(shown.data, first)
    np.testing.assert_array_equal(painted.data, second)  # only looked at
    assert not painted.visible
    assert session.labels_layer == painted
    history.now.click()
    assert shown not in session.viewer.layers
    assert painted.visible

    history.table.selectRow(1)
    until(lambda: history.restore_button.isEnabled())
    history.restore_button.click()
    until(lambda: np.array_equal(painted.data, first))
    state = session.painting.state(painted)
    journal = StrokeHistory(state.folder, state.image.source.digest)
    last = list(journal.strokes())[-1].stroke
    assert (last.kind, last.tool) == (StrokeKind.TOOL, "restore")
    np.testing.assert_array_equal(journal.replay().labels[0], first)
    person.press(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    np.testing.assert_array_equal(painted.data, second)


def test_what_is_shown_of_the_past_goes_with_its_image(workbench, person, painted, until) -> None:
    session, history = workbench.session, workbench.correct.history
    person.stroke((0.3, 0.3), (0.3, 0.6))
    history._read()
    until(lambda: history.table.rowCount() == 1)
    history.table.selectRow(0)
    until(lambda: history.restore_button.isEnabled())
    session.open_index(1)
    until(lambda: session.image is not None and session.image.name == "disc-1")
    assert len(session.viewer.layers) == 1
    assert history.table.rowCount() == 0
    assert not history.restore_button.isEnabled()
