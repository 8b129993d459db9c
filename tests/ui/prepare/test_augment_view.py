"""Random changes of a recipe on the image that is shown, and what they do to labels."""

from __future__ import annotations

import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

from napari_medclf.domain.card import Task
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.testing.phantoms import chest_phantom
from napari_medclf.ui.prepare.tasks import N_CHANGES


@pytest.fixture
def view(workbench, until):
    """The view, with its pictures of a shown radiograph."""
    made = workbench.data_tab.prepare.augment
    workbench.show_tab("Data")
    workbench.data_tab.pages.setCurrentWidget(workbench.data_tab.prepare)
    workbench.session.show_image(chest_phantom(rows=64, columns=80))
    workbench.train.recipe.set_value("small-resnet")
    assert made.show_changes()
    until(lambda: made.grid.n_pictures and not workbench.session.lane.is_busy, 60)
    return made


def test_picture_that_is_clicked_is_shown_in_the_viewer(view, workbench) -> None:
    assert view.grid.n_pictures == N_CHANGES + 1
    assert "small-resnet" in view.explanation.text()
    QTest.mouseClick(view.grid, Qt.MouseButton.LeftButton, pos=view.grid.place_px(2).center())
    assert workbench.session.viewer.layers[-1].name.endswith("change 2")


def test_flips_that_break_the_label_are_warned_of(view, workbench, until) -> None:
    assert not view.warning.isVisible()
    view._meaning = lambda: (LabelSchema.from_names(["left lung", "right lung"]), Task.CLASSIFY)
    assert view.table.change("augment.flip_axes", "[1]")
    until(lambda: not workbench.session.lane.is_busy)
    assert view.warning.isVisible()
    assert "left and right" in view.warning.text()


def test_steps_and_changes_go_into_the_training(view, workbench, person, until) -> None:
    page = workbench.data_tab.prepare
    page.steps.editor.add("median")
    assert view.table.change("augment.rotate_deg", "3.5")
    until(lambda: not workbench.session.lane.is_busy)
    page.train.click()
    assert workbench.tabs.tabText(workbench.tabs.currentIndex()) == "Train"
    assert workbench.train.form.values()["step"] == ["median:radius_vox=1"]
    assert workbench.train.settings.table.value == ("augment.rotate_deg=3.5",)
