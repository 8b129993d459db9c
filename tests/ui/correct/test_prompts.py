"""A box, a line and a click that says no, drawn with a real mouse, are answered by the model."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import Qt

SHIFT = Qt.KeyboardModifier.ShiftModifier
DISC, BESIDE = (0.4, 0.38), (0.75, 0.3)


@pytest.fixture
def answered(workbench, person, install_threshold, threshold_card, pictures, until):
    """The labels of the first picture, whose disc the model found, with the Correct tab in front."""
    session = workbench.session
    install_threshold(threshold_card())
    session.open_path(pictures)
    until(lambda: session.image is not None)
    person.press(Qt.Key.Key_Space)
    until(lambda: session.labels_layer is not None and not session.lane.is_busy)
    workbench.show_tab("Correct")
    return session.labels_layer


def take_up(workbench, person, text: str) -> None:
    """Choose a kind of prompt by its button."""
    buttons = {one.text(): one for one in workbench.correct.prompts.kinds.buttons()}
    if not buttons[text].isChecked():
        person.click(buttons[text])


def ask(workbench, until, prompt) -> tuple[np.ndarray, np.ndarray]:
    """Draw a prompt, wait for the answer; returns which labels changed, and what was said without painting."""
    help_, labels = workbench.correct.help, workbench.session.labels_layer
    before = labels.data.copy()
    n_said = len(help_._beside.get(labels) or [])
    prompt()
    until(lambda: not help_.is_busy and len(help_._beside.get(labels) or []) > n_said, 60)
    return labels.data != before, np.unique(help_._beside.get(labels)[-1].learned.values)


def test_click_with_shift_takes_away_and_a_line_and_a_box_add(workbench, person, answered, until) -> None:
    inside = answered.data.astype(bool)
    take_up(workbench, person, "Click")
    changed, said = ask(workbench, until, lambda: person.click_at(DISC, SHIFT))
    assert said.tolist() == [0]
    assert changed[inside].any()
    assert not (answered.data[changed]).any()

    person.press(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    np.testing.assert_array_equal(answered.data, inside)
    take_up(workbench, person, "Scribble")
    changed, said = ask(workbench, until, lambda: person.stroke((0.7, 0.2), (0.8, 0.4)))
    assert said.tolist() == [1]
    rows = np.nonzero(changed & ~inside)[0]
    assert rows.max() - rows.min() > 8  # along the line, not at its end only

    person.press(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    np.testing.assert_array_equal(answered.data, inside)
    take_up(workbench, person, "Box")
    changed, said = ask(workbench, until, lambda: person.stroke((0.65, 0.55), (0.85, 0.85)))
    assert 1 in said
    assert answered.data[changed].any()
    assert not changed[inside].any()


def test_what_a_person_painted_stays_whatever_a_prompt_says(workbench, person, answered, until) -> None:
    person.click(workbench.correct.tools.group.buttons()[1])  # erase
    person.stroke((0.38, 0.38), (0.42, 0.38))
    mine = workbench.session.painting.origin_of(answered)[0] != 0
    assert mine.any()
    take_up(workbench, person, "Click")
    ask(workbench, until, lambda: person.click_at((0.4, 0.42)))
    assert not answered.data[mine].any()
