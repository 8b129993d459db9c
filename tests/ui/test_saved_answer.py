from dataclasses import replace

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_medclf.bridge.layers import segmentation_from_layer
from napari_medclf.domain.annotation import Origin, Status
from napari_medclf.domain.card import Task
from napari_medclf.domain.dataset import FileRef
from napari_medclf.domain.events import Warned
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.results import Classification, Prediction, Segmentation
from napari_medclf.io.digest import with_digest
from napari_medclf.io.read import read_image
from napari_medclf.io.write import write_image, write_segmentation
from napari_medclf.jobs.correct import Answer, save_answer, save_correction
from napari_medclf.jobs.drive import drive
from napari_medclf.store.project import Project
from napari_medclf.store.project_entries import PredictionEntry
from napari_medclf.testing.phantoms import chest_phantom, oblique_phantom
from napari_medclf.ui.correct.class_clicks import find_clicked
from napari_medclf.ui.saved_answer import read_saved
from napari_medclf.ui.tasks import Kept, ReadAhead, look_through, open_image
from napari_medclf.ui.working_copy import WorkingCopies

SCHEMA = LabelSchema.from_names(["liver", "spleen"], first_value=1)


def result_of(job):
    outcome = drive(job)
    if outcome.error is not None:
        raise outcome.error
    return outcome.result


@pytest.fixture
def oblique(tmp_path):
    """A project with one corrected oblique volume: (image as read, labels, project folder)."""
    path = tmp_path / "oblique.nii.gz"
    write_image(oblique_phantom(), path)
    image = read_image(path)
    before = np.zeros(image.geometry.shape, np.uint8)
    before[2:6, 3:9, 4:11] = 1
    labels = before.copy()
    labels[7, 1, 20] = 2
    labels[3, 4, 5] = 0
    painted = Segmentation(labels, image.geometry, SCHEMA)
    base = Prediction("organs", "1.2", image.name, replace(painted, labels=before), weights_sha256="ab" * 32)
    result_of(save_correction(tmp_path / "project", image, painted, None, base))
    return image, labels, tmp_path / "project"


def open_first(project, working):
    item = result_of(look_through(project)).items[0]
    return result_of(open_image(item.ref, ReadAhead(), Kept(WorkingCopies(working), item.project)))


def test_saved_labels_of_an_oblique_volume_lie_where_they_were(oblique, tmp_path) -> None:
    image, labels, project = oblique
    opened = open_first(project, tmp_path / "working")
    data, keywords, kind = opened.saved.labels
    assert kind == "labels"
    assert keywords["scale"] == opened.layer[1]["scale"]
    assert keywords["translate"] == opened.layer[1]["translate"]
    found = segmentation_from_layer(data, keywords["metadata"])
    assert np.array_equal(found.labels, labels)
    assert found.geometry.same_grid(image.geometry)
    assert found.schema == SCHEMA


def test_saving_again_keeps_what_is_known_of_the_model(oblique) -> None:
    image, labels, project = oblique
    saved = read_saved(project, image)
    labels = labels.copy()
    labels[0, 0, 0] = 1
    again = Segmentation(labels, image.geometry, SCHEMA)
    annotation = result_of(save_correction(project, image, again, None, saved.base))
    assert annotation.origin is Origin.CORRECTED
    assert annotation.n_edited_vox == 3  # two the first time, one now
    assert (annotation.model, annotation.model_version, annotation.weights_sha256) == ("organs", "1.2", "ab" * 32)


def test_answer_survives_a_later_flag(oblique) -> None:
    image, _, project = oblique
    result_of(save_correction(project, image, None, None, None, status=Status.FLAGGED))
    assert read_saved(project, image).labels is not None


def test_labels_on_another_grid_are_told_and_the_image_opens(oblique, tmp_path) -> None:
    image, _, project = oblique
    shifted = image.geometry.cropped((1, 0, 0), image.geometry.shape)
    label_map = Project.open(project).cases()[0].answer.label_map.path
    write_image(replace(image, geometry=shifted, data=np.zeros(image.geometry.shape, np.uint8)), label_map)
    item, told = result_of(look_through(project)).items[0], []
    job = open_image(item.ref, ReadAhead(), Kept(WorkingCopies(tmp_path / "working"), item.project))
    outcome = drive(job, told.append)
    assert outcome.result.saved is None
    assert ["origin is shifted" in event.message for event in told if isinstance(event, Warned)] == [True]


def test_a_blind_reader_sees_no_answer_but_their_own(oblique) -> None:
    image, labels, project = oblique
    assert read_saved(project, image, reader="second") is None
    mine = np.zeros_like(labels)
    mine[1, 2, 3] = 1
    answer = Answer(Segmentation(mine, image.geometry, SCHEMA), author="second", is_blind=True)
    result_of(save_answer(project, image, answer))
    own = read_saved(project, image, reader="second").labels
    assert np.array_equal(segmentation_from_layer(own[0], own[1]["metadata"]).labels, mine)
    seen = read_saved(project, image).labels
    assert np.array_equal(segmentation_from_layer(seen[0], seen[1]["metadata"]).labels, labels)


def test_what_a_model_had_said_is_shown_without_running_it_again(oblique, tmp_path) -> None:
    image, labels, _ = oblique
    project = Project.create(tmp_path / "fresh", name="fresh", task=Task.SEGMENT, classes=SCHEMA)
    case = project.add_case(FileRef(image.source.path), image_digest=with_digest(image).source.digest)
    entry = PredictionEntry(case_id=case.case_id, model="organs", model_version="1.2", created="2026-01-01T00:00:00")
    said = Segmentation(labels, image.geometry, SCHEMA)
    project.save_prediction(entry, write_labels=lambda path: write_segmentation(said, path))
    saved = read_saved(project.folder, image)
    data, keywords, _ = saved.labels
    assert np.array_equal(segmentation_from_layer(data, keywords["metadata"]).labels, labels)
    assert (saved.base.model, saved.classes) == ("organs", None)
    annotation = result_of(save_correction(project.folder, image, said, None, saved.base))
    assert annotation.origin is Origin.ACCEPTED


@pytest.mark.parametrize(
    ("said", "origin"),
    [(("dark",), Origin.ACCEPTED), (("bright",), Origin.CORRECTED), ((), Origin.CORRECTED), (None, Origin.MANUAL)],
)
def test_image_level_classes_come_back_with_their_origin(tmp_path, said, origin) -> None:
    image = chest_phantom()
    decided = Classification({"dark": 0.9, "bright": 0.1}, ("dark",))
    base = Prediction("chest", "1.0", image.name, classification=decided) if said is not None else None
    classes = ("bright",) if said is None else said
    schema = LabelSchema.from_names(["dark", "bright"])
    result_of(save_correction(tmp_path / "project", image, None, classes, base, schema=schema))
    saved = read_saved(tmp_path / "project", image)
    assert saved.classes == classes
    again = result_of(save_correction(tmp_path / "project", image, None, classes, saved.base))
    assert again.origin is origin
    assert again.model == ("" if said is None else "chest")


def test_a_person_finds_the_correction_again_when_the_project_is_opened(
    workbench, person, install_threshold, threshold_card, pictures, until
) -> None:
    session = workbench.session
    install_threshold(threshold_card())
    person.type_path(workbench.data.path, pictures)
    until(lambda: session.image is not None)
    person.press(Qt.Key.Key_Space)
    until(lambda: session.labels_layer is not None)
    person.click(workbench.correct.tools.group.buttons()[0])
    model_labels = session.labels_layer.data.copy()
    person.stroke((0.75, 0.2), (0.75, 0.7))
    painted = session.labels_layer.data.copy()
    assert (painted != model_labels).any()
    person.press(Qt.Key.Key_N)
    until(lambda: session.image is not None and session.image.name == "disc-1" and not session.lane.is_busy)

    project = session.user_folder / "projects" / "bright-segment-2d"
    person.type_path(workbench.data.path, project)
    until(lambda: session.image is not None and session.image.name == "disc-0" and session.labels_layer is not None)
    labels = session.labels_layer
    assert np.array_equal(labels.data, painted)
    assert tuple(labels.scale) == tuple(session.image_layer.scale)
    assert tuple(labels.translate) == tuple(session.image_layer.translate)
    assert not session.painting.is_dirty(labels)

    # paint some more and open the image again: what is not accepted yet wins; then save a second version
    workbench.show_tab("Correct")
    person.click(workbench.correct.tools.group.buttons()[0])
    person.stroke((0.3, 0.2), (0.3, 0.6))
    unsaved = labels.data.copy()
    n_edited = np.count_nonzero(unsaved != model_labels)
    assert n_edited > np.count_nonzero(painted != model_labels)
    image = session.image
    session.open_index(0)
    until(lambda: session.image is not image and session.labels_layer is not None and not session.lane.is_busy)
    assert np.array_equal(session.labels_layer.data, unsaved)
    assert len(session.viewer.layers) == 2
    person.press(Qt.Key.Key_N)
    until(lambda: len(Project.open(project).cases()[0].versions) == 2 and not session.lane.is_busy)
    again = Project.open(project).cases()[0].answer.annotation
    assert (again.origin, again.n_edited_vox) == (Origin.CORRECTED, n_edited)
    assert (again.model, again.model_version) == ("bright-segment-2d", "1.0")


def test_class_is_on_the_disk_before_its_key_is_let_go_and_comes_back(
    workbench, person, install_threshold, threshold_card, pictures, until
) -> None:
    session = workbench.session
    install_threshold(threshold_card(Task.CLASSIFY))
    session.open_path(pictures)
    until(lambda: session.image is not None)
    person.press(Qt.Key.Key_Space)
    until(lambda: session.answer is not None)
    person.press(Qt.Key.Key_1)
    person.press(Qt.Key.Key_2)
    project = session.user_folder / "projects" / "bright-classify-2d"
    assert find_clicked(session.image, [project]) == ("bright",)
    session.open_index(1)
    until(lambda: session.image.name == "disc-1" and session.person_classes is None)
    session.open_index(0)
    until(lambda: session.image.name == "disc-0" and session.person_classes is not None)
    assert session.person_classes == ("bright",)
    image = session.image
    person.press(Qt.Key.Key_Space)
    until(lambda: session.answer is not None)
    assert session.person_classes == ("bright",)
    person.press(Qt.Key.Key_N)
    until(lambda: session.work.count(Status.DONE) == 1 and not session.lane.is_busy)
    assert Project.open(project).cases()[0].answer.annotation.classes == ("bright",)
    assert find_clicked(image, [project]) is None


def test_saved_classes_stand_on_the_canvas_when_the_project_is_opened(
    workbench, person, install_threshold, threshold_card, pictures, until
) -> None:
    from napari_medclf.domain.card import Task

    session = workbench.session
    install_threshold(threshold_card(Task.CLASSIFY))
    person.type_path(workbench.data.path, pictures)
    until(lambda: session.image is not None)
    person.press(Qt.Key.Key_Space)
    until(lambda: session.answer is not None)
    person.press(Qt.Key.Key_2)
    person.press(Qt.Key.Key_N)
    until(lambda: session.image is not None and session.image.name == "disc-1" and not session.lane.is_busy)
    assert workbench.notes.text("scores") == ""
    person.type_path(workbench.data.path, session.user_folder / "projects" / "bright-classify-2d")
    until(lambda: session.image is not None and session.image.name == "disc-0")
    assert workbench.notes.text("scores") == "you: bright"
