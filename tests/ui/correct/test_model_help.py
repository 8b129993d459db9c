"""R asks the model about what was painted; what a person painted stays, and one key takes the answer back."""

from __future__ import annotations

import numpy as np
from qtpy.QtCore import Qt

from napari_medclf.domain.stroke import StrokeKind
from napari_medclf.ui.correct.help_tasks import region_around, within


def test_region_holds_the_box_and_stays_in_the_image() -> None:
    assert region_around(((3, 5), (0, 40), (0, 40)), (24, 64, 80)) is None
    box, shape = ((2, 6), (500, 512), (10, 50)), (300, 512, 512)
    region = region_around(box, shape)
    assert within(box, region) == box
    assert [stop - start for start, stop in region] == [48, 128, 128]
    assert all(0 <= start < stop <= size for (start, stop), size in zip(region, shape, strict=True))


def test_model_answers_anew_around_a_stroke_and_leaves_it_alone(
    workbench, person, install_threshold, threshold_card, pictures, until
) -> None:
    session, help_ = workbench.session, workbench.correct.help
    install_threshold(threshold_card())
    session.open_path(pictures)
    until(lambda: session.image is not None)
    person.press(Qt.Key.Key_Space)
    until(lambda: session.labels_layer is not None and not session.lane.is_busy)
    labels = session.labels_layer
    workbench.show_tab("Correct")
    person.click(workbench.correct.tools.group.buttons()[1])  # erase, through the middle of the disc
    person.stroke((0.35, 0.38), (0.45, 0.38))
    erased = labels.data == 0
    mine = session.painting.origin_of(labels)[0] != 0
    assert mine.any()
    before = labels.data.copy()
    person.press(Qt.Key.Key_R)
    until(lambda: not help_.is_busy and "others changed" in workbench.correct.help_row.message.text(), 60)
    assert (labels.data[mine] == 0).all()
    chance = session.painting.probability_of(labels, 1)[0:1, 20:30, 20:36]
    assert chance.shape == (1, 10, 16)
    assert 0.0 <= chance.min() < chance.max() <= 1.0
    changed = labels.data != before
    assert not changed[~erased & mine].any()
    if changed.any():
        person.press(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
        np.testing.assert_array_equal(labels.data, before)


def test_live_help_follows_each_stroke(workbench, person, install_threshold, threshold_card, pictures, until) -> None:
    session, help_ = workbench.session, workbench.correct.help
    install_threshold(threshold_card())
    session.open_path(pictures)
    until(lambda: session.image is not None)
    person.press(Qt.Key.Key_Space)
    until(lambda: session.labels_layer is not None and not session.lane.is_busy)
    workbench.show_tab("Correct")
    told = []
    help_.told.connect(told.append)
    workbench.correct.help_row.live.setChecked(True)
    person.click(workbench.correct.tools.group.buttons()[0])
    person.stroke((0.75, 0.2), (0.75, 0.5))
    until(lambda: any("others changed" in one for one in told), 60)
    kinds = {one.kind for one in session.painting.state(session.labels_layer).done}
    assert StrokeKind.PAINT in kinds


def test_r_without_labels_keeps_its_own_meaning(workbench, pictures, until) -> None:
    workbench.session.open_path(pictures)
    until(lambda: workbench.session.image is not None)
    assert workbench.correct.help.here() is False


def test_click_is_answered_by_the_model_and_escape_puts_the_prompt_away(
    workbench, person, install_threshold, threshold_card, pictures, until
) -> None:
    session, correct = workbench.session, workbench.correct
    install_threshold(threshold_card())
    session.open_path(pictures)
    until(lambda: session.image is not None)
    person.press(Qt.Key.Key_Space)
    until(lambda: session.labels_layer is not None and not session.lane.is_busy)
    workbench.show_tab("Correct")
    labels, before = session.labels_layer, session.labels_layer.data.copy()
    person.click(correct.prompts.kinds.buttons()[0])
    assert correct.prompts.mouse.kind is not None
    person.stroke((0.75, 0.3), (0.75, 0.3))
    until(lambda: not correct.help.is_busy and (labels.data != before).any(), 60)
    assert correct.help.said_beside(labels) is not None
    assert (labels.data != before).sum() < before.size / 4  # around the click, not everywhere
    person.press(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    np.testing.assert_array_equal(labels.data, before)
    assert correct.help.said_beside(labels) is None
    person.press(Qt.Key.Key_Escape)
    assert correct.prompts.mouse.kind is None


def test_a_prompt_taken_up_on_the_image_asks_once(
    workbench, person, install_threshold, threshold_card, pictures, until, monkeypatch
) -> None:
    session, correct = workbench.session, workbench.correct
    install_threshold(threshold_card())
    session.open_path(pictures)
    until(lambda: session.image is not None)
    person.press(Qt.Key.Key_Space)
    until(lambda: session.labels_layer is not None and not session.lane.is_busy)
    workbench.show_tab("Correct")
    asked = []
    monkeypatch.setattr(correct.prompts.mouse, "_ask", lambda layer, prompt: not asked.append(prompt))
    session.viewer.layers.selection.active = session.image_layer
    person.click(correct.prompts.kinds.buttons()[0])
    person.stroke((0.75, 0.3), (0.75, 0.3))
    until(lambda: asked)
    assert len(asked) == 1
