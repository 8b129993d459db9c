"""Two readers in the window: blind reading, agreement, and deciding between them."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_medclf.domain.annotation import Annotation, Origin
from napari_medclf.domain.card import Task
from napari_medclf.domain.dataset import FileRef
from napari_medclf.domain.results import Segmentation
from napari_medclf.io.digest import with_digest
from napari_medclf.io.read import read_image
from napari_medclf.io.write import write_image, write_segmentation
from napari_medclf.store.project import Project
from napari_medclf.testing.phantoms import brain_phantom

BESIDE = {"brain · ann", "brain · bob", "brain · differ"}


@pytest.fixture
def project(tmp_path):
    """One brain that two people painted, a voxel apart."""
    phantom = brain_phantom()
    write_image(phantom.image, tmp_path / "brain.nii.gz")
    image = with_digest(read_image(tmp_path / "brain.nii.gz"))
    project = Project.create(tmp_path / "study", name="study", task=Task.SEGMENT, classes=phantom.truth.schema)
    case = project.add_case(FileRef(tmp_path / "brain.nii.gz"), image_digest=image.source.digest)
    for author, shift in (("ann", 0), ("bob", 1)):
        labels = np.roll(phantom.truth.labels, shift, axis=2)
        painted = Segmentation(labels, image.geometry, phantom.truth.schema)
        said = Annotation(
            case_id=case.case_id,
            group_id=case.group_id,
            image_digest=case.image_digest,
            origin=Origin.MANUAL,
            author=author,
            is_blind=bool(shift),
            created=f"2026-11-21T1{shift}:00",
        )
        project.save_annotation(said, write_labels=lambda path, painted=painted: write_segmentation(painted, path))
    return project


@pytest.fixture
def panel(workbench, project, until):
    """The page, in front, with the project opened and the readers compared."""
    workbench.show_tab("Data")
    tab = workbench.data_tab
    tab.pages.setCurrentWidget(tab.people)
    workbench.session.open_path(project.folder)
    until(lambda: workbench.session.image is not None and not workbench.session.lane.is_busy)
    tab.people.refresh()
    until(lambda: tab.people.disputes.rowCount() == 1)
    return tab.people


def test_agreement_is_told_and_the_dispute_is_decided(panel, workbench, until, person, project):
    assert panel.agreement.rowCount() == len(project.info.classes.foreground)
    assert "1 case was read by two or more of 2 people" in panel.sentence.text()
    panel.open_dispute(0)
    until(lambda: panel.decide.isEnabled())
    names = [layer.name for layer in workbench.session.viewer.layers]
    assert {"brain · ann", "brain · bob", "brain · differ"} <= set(names)
    panel.author.setText("eve")
    panel.author.editingFinished.emit()
    panel.choice.setCurrentIndex(panel.choice.findData("bob"))
    panel.why.setText("the left edge")
    person.click(panel.decide)
    until(lambda: project.case("brain").answer.adjudicates == ("ann", "bob"))
    assert project.case("brain").answer.annotation.author == "eve"
    assert project.case("brain").answer.annotation.comment == "the left edge"
    until(lambda: panel.disputes.item(0, 3) is not None and panel.disputes.item(0, 3).text() == "✓")


def test_blind_reader_is_shown_nothing_of_others(panel, workbench):
    panel.blind.setChecked(True)
    assert workbench.session.is_blind
    assert panel.agreement.isHidden()
    assert panel.disputes.rowCount() == 0
    assert not panel.compare.isEnabled()
    assert "You read blind" in panel.banner.text()


def test_a_third_answer_accepted_beside_the_others_decides_between_them(panel, workbench, until, person, project):
    session = workbench.session
    panel.open_dispute(0)
    until(lambda: panel.decide.isEnabled())
    own = session.labels_layer
    assert own.name not in BESIDE  # nobody paints on, or accepts, the outline of another one's answer
    panel.author.setText("eve")
    panel.author.editingFinished.emit()
    session.viewer.layers.selection.active = own
    workbench.show_tab("Correct")
    person.click(workbench.correct.tools.group.buttons()[0])
    person.press(Qt.Key.Key_1)
    person.stroke((0.4, 0.4), (0.5, 0.5))
    assert session.painting.is_dirty(own)
    person.press(Qt.Key.Key_N)
    until(lambda: len(project.case("brain").versions) == 3 and not session.lane.is_busy)
    saved = project.case("brain").answer
    assert (saved.annotation.author, saved.adjudicates) == ("eve", ("ann", "bob"))
    assert project.case("brain").readers == ("ann", "bob")


def test_answers_of_others_go_when_one_begins_to_read_blind(panel, workbench, until, person, project):
    session = workbench.session
    panel.open_dispute(0)
    until(lambda: panel.decide.isEnabled())
    assert {layer.name for layer in session.viewer.layers} >= BESIDE
    panel.blind.setChecked(True)
    assert not {layer.name for layer in session.viewer.layers} & BESIDE
    assert session.between is None
    assert not panel.decide.isEnabled()
