"""Prompts that a server answers: on the labels as undoable steps, never over a person's voxels, never unasked away."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QMessageBox

from napari_medclf.backends import nninteractive
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.testing.event_loop import Watchdog
from napari_medclf.testing.phantoms import brain_phantom
from napari_medclf.testing.prompt_server import PromptServer

pytestmark = pytest.mark.skipif(find_spec("nnInteractive") is None, reason="needs `pip install nninteractive-client`")

SHIFT = Qt.KeyboardModifier.ShiftModifier
UNDO = (Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)


@pytest.fixture
def server():
    with PromptServer() as running:
        yield running


@pytest.fixture
def labels(workbench, person, server, until):
    """Empty labels on a brain, a click in the hand, and the server chosen to answer it."""
    session, prompts = workbench.session, workbench.correct.prompts
    workbench.show_tab("Correct")
    session.show_image(brain_phantom().image)
    session.begin_labels(LabelSchema.from_names(["one", "two"], first_value=1))
    until(lambda: not session.lane.is_busy)
    choose_server(prompts.source, server.address)
    person.click(prompts.kinds.buttons()[0])
    return session.labels_layer


def choose_server(source, address: str) -> None:
    """Choose the server with the keyboard, and type where it is."""
    source.choice.setFocus()
    QTest.keyClick(source.choice, Qt.Key.Key_End)
    source.address.clear()
    QTest.keyClicks(source.address, address)
    QTest.keyClick(source.address, Qt.Key.Key_Return)


def test_prompts_of_the_mouse_are_answered_by_the_server(workbench, person, labels, server, until) -> None:
    prompts = workbench.correct.prompts
    help_ = prompts.source.server
    person.click_at((0.5, 0.5))
    until(lambda: np.count_nonzero(labels.data) == 27)
    first = labels.data.copy()
    until(lambda: "model 27" in workbench.correct.lock.counts.text())
    person.click(prompts.kinds.buttons()[1])  # a line
    person.stroke((0.6, 0.3), (0.7, 0.3))
    until(lambda: np.count_nonzero(labels.data) > 27 and not help_.is_busy)
    person.click(prompts.kinds.buttons()[0])
    person.click_at((0.5, 0.5), SHIFT)  # not here, after all
    until(lambda: len(server.added()) == 3 and not help_.is_busy)
    assert not labels.data[first != 0].any()
    assert server.added() == [
        ("add_point_interaction", True),
        ("add_scribble_interaction", True),
        ("add_point_interaction", False),
    ]
    for _ in range(2):
        person.press(*UNDO)
    np.testing.assert_array_equal(labels.data, first)

    person.press(Qt.Key.Key_2)  # of another class is another object; the first stays
    person.click(prompts.kinds.buttons()[2])
    person.stroke((0.6, 0.6), (0.75, 0.75))
    until(lambda: (labels.data == 2).any() and not help_.is_busy)
    assert (labels.data == 1).sum() == 27
    assert [name for name, _ in server.asked].count("set_image") == 1
    told = [name for name, _ in server.asked]
    assert told[-2:] == ["reset_interactions", "add_bbox_interaction"]
    assert "The server found" in workbench.correct.help_row.message.text()


def test_painted_voxels_stay_and_are_counted(workbench, person, labels, server, until) -> None:
    person.click(workbench.correct.tools.group.buttons()[0])
    person.press(Qt.Key.Key_2)
    person.stroke((0.49, 0.5), (0.51, 0.5))
    mine = labels.data == 2
    assert mine.any()
    person.press(Qt.Key.Key_1)
    person.click(workbench.correct.prompts.kinds.buttons()[0])
    person.click_at((0.5, 0.5))
    until(lambda: (labels.data == 1).any())
    assert (labels.data[mine] == 2).all()
    assert "stay as you painted them" in workbench.correct.help_row.message.text()


def test_a_slow_server_blocks_nothing_and_one_that_is_gone_is_a_sentence(
    workbench, person, labels, server, until
) -> None:
    help_ = workbench.correct.prompts.source.server
    server.wait_s = 0.8
    with Watchdog() as watchdog:
        person.click_at((0.5, 0.5))
        assert help_.is_busy
        until(lambda: np.count_nonzero(labels.data) == 27)
    assert watchdog.longest().cpu_s < 0.1
    choose_server(workbench.correct.prompts.source, "127.0.0.1:9")
    person.click_at((0.5, 0.6))
    until(lambda: "No nnInteractive server answers" in workbench.correct.help_row.message.text())
    assert np.count_nonzero(labels.data) == 27
    choose_server(workbench.correct.prompts.source, "not an address")
    person.click_at((0.5, 0.6))
    assert not help_.is_busy


def test_nothing_leaves_this_computer_unless_the_person_agrees(
    workbench, person, labels, server, until, monkeypatch
) -> None:
    help_ = workbench.correct.prompts.source.server
    monkeypatch.setattr(nninteractive, "is_on_this_computer", lambda address: False)
    person.click_at((0.5, 0.5))
    until(lambda: help_.question is not None and help_.question.isVisible())
    assert server.address in help_.question.text()
    assert help_.question.defaultButton() is help_.question.button(QMessageBox.StandardButton.No)
    person.click(help_.question.button(QMessageBox.StandardButton.No))
    until(lambda: "Nothing was sent" in workbench.correct.help_row.message.text())
    assert server.asked == []
    person.click_at((0.5, 0.5))
    until(lambda: help_.question is not None and help_.question.isVisible())
    person.click(help_.question.button(QMessageBox.StandardButton.Yes))
    until(lambda: np.count_nonzero(labels.data) == 27)
    person.click_at((0.5, 0.6))  # agreed to for this address
    until(lambda: len(server.added()) == 2 and not help_.is_busy)
    assert help_.question is None
