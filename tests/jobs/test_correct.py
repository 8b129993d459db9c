"""Answers of a person, kept with where they came from."""

from dataclasses import replace

import numpy as np
import pytest

import napari_medclf
from napari_medclf.domain.annotation import Origin, Status
from napari_medclf.domain.errors import GridError, SchemaError
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.io.labels import read_label_map
from napari_medclf.jobs.api import run, train
from napari_medclf.jobs.correct import save_correction
from napari_medclf.store.project import Project
from napari_medclf.testing.phantoms import brain_phantom


@pytest.fixture
def image(vessels_folder):
    return napari_medclf.read_image(vessels_folder / "images" / "eye_0.png")


@pytest.fixture
def prediction(image, vessel_model):
    return napari_medclf.predict(image, vessel_model)


def painted(segmentation):
    labels = segmentation.labels.copy()
    labels[0, 20:24, 20:23] = 1 - labels[0, 20:24, 20:23]
    return replace(segmentation, labels=labels)


def test_painted_labels_know_what_was_edited(image, prediction, vessel_model, tmp_path):
    changed = painted(prediction.segmentation)

    annotation = run(save_correction(tmp_path / "project", image, changed, None, prediction, "reader 1"))

    assert annotation.origin is Origin.CORRECTED
    assert annotation.n_edited_vox == 12
    assert annotation.weights_sha256 == vessel_model.card.weights_sha256
    (case,) = Project.open(tmp_path / "project").cases()
    assert case.image.path == image.source.path
    assert np.array_equal(read_label_map(case.answer.label_map.path).labels, changed.labels)
    assert read_label_map(case.answer.edited_mask.path).labels.sum() == 12


def test_unchanged_labels_are_accepted(image, prediction, tmp_path):
    annotation = run(save_correction(tmp_path / "p", image, prediction.segmentation, None, prediction))

    assert annotation.origin is Origin.ACCEPTED
    assert annotation.n_edited_vox == 0


def test_every_version_is_kept(image, prediction, tmp_path):
    run(save_correction(tmp_path / "p", image, prediction.segmentation, None, prediction))
    run(save_correction(tmp_path / "p", image, painted(prediction.segmentation), None, prediction))

    (case,) = Project.open(tmp_path / "p").cases()
    assert [one.annotation.origin for one in case.versions] == [Origin.ACCEPTED, Origin.CORRECTED]


def test_class_of_an_image(chest_model, chest_folder, tmp_path):
    picture = napari_medclf.read_image(chest_folder / "clear" / "clear_0.png")
    base = napari_medclf.predict(picture, chest_model)
    other = next(name for name in base.classification.scores if name not in base.classification.decided)

    annotation = run(save_correction(tmp_path / "p", picture, None, [other], base))

    assert annotation.classes == (other,)
    assert annotation.origin is Origin.CORRECTED
    assert Project.open(tmp_path / "p").info.classes.names == ("clear", "opacity")
    with pytest.raises(SchemaError, match="fracture"):
        run(save_correction(tmp_path / "p", picture, None, ["fracture"], base))


def test_skipped_image_needs_no_answer(image, prediction, tmp_path):
    annotation = run(save_correction(tmp_path / "p", image, None, None, prediction, status=Status.SKIPPED))

    assert annotation.status is Status.SKIPPED
    assert Project.open(tmp_path / "p").worklist(Status.SKIPPED)[0].case_id == annotation.case_id


def test_image_that_was_never_a_file_goes_into_the_project(tmp_path):
    phantom = brain_phantom()

    run(save_correction(tmp_path / "p", phantom.image, phantom.truth, None, None))

    (case,) = Project.open(tmp_path / "p").cases()
    again = napari_medclf.read_image(case.image.path)
    assert np.array_equal(again.data, phantom.image.data)
    assert phantom.image.geometry.explain_difference(again.geometry) == ""


def test_labels_of_another_image_are_refused(image, tmp_path):
    phantom = brain_phantom()

    with pytest.raises(GridError, match="do not lie on the grid"):
        run(save_correction(tmp_path / "p", image, phantom.truth, None, None))
    assert not (tmp_path / "p").exists()


def test_same_name_with_another_number_is_refused(image, prediction, tmp_path):
    run(save_correction(tmp_path / "p", image, prediction.segmentation, None, prediction))
    shifted = LabelSchema.from_names(["vessel"], first_value=2)
    labels = prediction.segmentation.labels * 2

    with pytest.raises(SchemaError, match="label value 1 in this project"):
        run(
            save_correction(
                tmp_path / "p", image, replace(prediction.segmentation, labels=labels, schema=shifted), None, None
            )
        )


def test_corrections_can_be_learned_from(vessels_folder, vessel_model, tmp_path):
    for number in range(4):
        image = napari_medclf.read_image(vessels_folder / "images" / f"eye_{number}.png")
        said = napari_medclf.predict(image, vessel_model)
        run(save_correction(tmp_path / "p", image, painted(said.segmentation), None, said))

    result = train(
        tmp_path / "p", tmp_path / "tuned", init=str(vessel_model.folder), epochs=1, device="cpu", register=False
    )

    assert result.package.card.data[0].n_train == 2
    assert result.package.card.schema_.names == ("vessel",)


def test_mistyped_class_leaves_no_project_behind(chest_model, chest_folder, tmp_path):
    picture = napari_medclf.read_image(chest_folder / "clear" / "clear_0.png")
    base = napari_medclf.predict(picture, chest_model)

    with pytest.raises(SchemaError, match="opacty"):
        run(save_correction(tmp_path / "p", picture, None, ["opacty"], base, schema=chest_model.card.schema_))
    assert not (tmp_path / "p").exists()


def test_two_classes_that_exclude_each_other_are_refused(chest_model, chest_folder, tmp_path):
    picture = napari_medclf.read_image(chest_folder / "clear" / "clear_0.png")
    base = napari_medclf.predict(picture, chest_model)
    run(save_correction(tmp_path / "p", picture, None, ["clear"], base))

    with pytest.raises(SchemaError, match="exclude each other; say one, not clear, opacity"):
        run(save_correction(tmp_path / "p", picture, None, ["clear", "opacity"], base))
