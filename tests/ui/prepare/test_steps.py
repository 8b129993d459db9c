"""Preprocessing steps on the image that is shown."""

from __future__ import annotations

import numpy as np
import pytest

from napari_medclf.domain.preprocess_step import PreprocessStep
from napari_medclf.domain.step_kinds import STEP_KINDS
from napari_medclf.testing.phantoms import brain_phantom
from napari_medclf.ui.prepare.step_editor import StepEditor, info_of


@pytest.fixture
def editor(qtbot) -> StepEditor:
    made = StepEditor()
    qtbot.addWidget(made)
    return made


def test_every_kind_can_be_added_and_says_what_it_does(editor) -> None:
    for name in STEP_KINDS:
        editor.add(name)
        assert editor.summary.text().endswith(".")
    assert [step.name for step in editor.steps] == list(STEP_KINDS)


def test_steps_are_ordered_and_removed_by_the_person(editor) -> None:
    for name in ("median", "percentile", "clahe"):
        editor.add(name)
    editor.list.setCurrentRow(2)
    editor.earlier.click()
    assert [step.name for step in editor.steps] == ["median", "clahe", "percentile"]
    editor.remove.click()
    assert [step.name for step in editor.steps] == ["median", "percentile"]


def test_number_is_changed_in_its_field_and_stands_in_the_list(editor) -> None:
    editor.add("median")
    heard = []
    editor.changed.connect(lambda: heard.append(editor.steps[0].number("radius_vox")))
    editor._fields["radius_vox"].set_value(3)
    assert heard == [3.0]
    assert editor.list.item(0).text() == "1. median, radius vox 3"


def test_fields_have_the_limits_of_the_step() -> None:
    info = info_of(STEP_KINDS["median"].parameter("radius_vox"))
    assert (info.kind, info.minimum, info.maximum) == (int, 1, 10)


def test_steps_are_shown_above_the_image_which_stays(workbench, person, until) -> None:
    session, view = workbench.session, workbench.data_tab.prepare.steps
    assert "Open an image" in view.explanation.text()
    layer = session.show_image(brain_phantom().image)
    before = np.asarray(layer.data).copy()
    view.editor.show_steps((PreprocessStep.parse("percentile"), PreprocessStep.parse("crop-foreground:margin_vox=0")))
    assert view.show_prepared()
    until(lambda: len(session.viewer.layers) == 2)
    prepared = session.viewer.layers[1]
    assert np.array_equal(layer.data, before)
    assert 0 <= float(np.min(prepared.data)) < float(np.max(prepared.data)) <= 1
    assert prepared.data.size < layer.data.size
    assert tuple(prepared.scale) == tuple(layer.scale)
    assert not layer.visible
    view.compare.click()
    assert (layer.visible, prepared.visible) == (True, False)

    assert view.show_prepared()  # of the image again, not of what was made of it
    until(lambda: not workbench.bar.is_running)
    assert [one.name for one in session.viewer.layers].count(prepared.name) == 1
    assert session.viewer.layers[1].data.shape == prepared.data.shape


def test_steps_are_remembered(workbench, until) -> None:
    workbench.data_tab.prepare.steps.editor.add("median")
    assert workbench.session.settings.get("prepare", "steps") == ["median:radius_vox=1"]
