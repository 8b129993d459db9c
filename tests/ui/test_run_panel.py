"""Running a model as a person does it: what does not fit, what would run, what is seen first."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_medclf.bridge.boxes import boxes_layers, detection_from_layer
from napari_medclf.domain.card import ModelCard, Task
from napari_medclf.domain.detection import Detection
from napari_medclf.domain.events import Noted, Previewed, Progress
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.package import ModelPackage
from napari_medclf.domain.results import Prediction, UncertaintyMap
from napari_medclf.domain.trust import Trust
from napari_medclf.store.trust import NotTrusted, is_trusted
from napari_medclf.testing.phantoms import brain_phantom, chest_phantom, oblique_phantom
from napari_medclf.ui import viewer_link


@pytest.fixture
def brain(workbench):
    """A small oblique brain in the viewer."""
    image = brain_phantom().image
    workbench.session.show_image(image)
    return image


def _for_modality(card: ModelCard, modality: str) -> ModelCard:
    return card.model_copy(update={"input": card.input.model_copy(update={"modality": (modality,)})})


def test_what_does_not_fit_is_told_before_the_run_and_mended_by_a_click(
    workbench, person, install_threshold, threshold_card, brain, until
) -> None:
    session, notices = workbench.session, workbench.run.notices
    workbench.show_tab("Run")
    install_threshold(_for_modality(threshold_card(spatial_dims=3), "CT"))
    until(lambda: "modality" in notices.buttons and "bright" in notices.violations[0].sentence)
    assert "but bright-segment-3d was made for CT" in notices.violations[0].sentence
    before = session.image_layer
    before.contrast_limits = (3.0, 77.0)
    person.click(notices.buttons["modality"])
    until(lambda: session.image is not None and session.image.modality == "CT")
    until(lambda: not any(one.clause == "modality" for one in notices.violations))
    assert not before.visible
    assert session.image_layer.name == f"{brain.name} · mended"
    assert tuple(session.image_layer.contrast_limits) == (3.0, 77.0)
    assert np.array_equal(session.image.data, brain.data)


def test_image_that_fits_shows_no_notice(workbench, install_threshold, threshold_card, until) -> None:
    install_threshold(threshold_card())
    workbench.session.show_image(chest_phantom())
    until(lambda: not workbench.session.lane.is_busy)
    assert not workbench.run.notices.isVisibleTo(workbench.run)


def test_slice_that_is_looked_at_is_asked_for_first(workbench, brain) -> None:
    viewer, session = workbench.session.viewer, workbench.session
    layer = session.image_layer
    info = viewer_link.info_of(layer)
    for display_axis in range(3):
        others = [axis for axis in range(3) if axis != display_axis]
        viewer.dims.order = (display_axis, *others)
        step = layer.data.shape[display_axis] // 3
        viewer.dims.set_current_step(display_axis, step)
        axis, index = viewer_link.visible_slice(viewer, layer)
        shown = np.take(np.asarray(layer.data), step, axis=display_axis)
        assert np.array_equal(np.sort(shown, axis=None), np.sort(np.take(info.image.data, index, axis=axis), axis=None))
    viewer.dims.ndisplay = 3
    assert viewer_link.visible_slice(viewer, layer) is None


def test_volume_opens_on_a_slice_so_that_a_box_can_be_drawn(workbench, person) -> None:
    viewer, session = workbench.session.viewer, workbench.session
    even = oblique_phantom()
    assert even.geometry.shape[0] % 2 == 0
    layer = session.show_image(even)
    axis = next(one for one in range(3) if one not in viewer.dims.displayed)
    place = (viewer.dims.point[axis] - layer.translate[axis]) / layer.scale[axis]
    assert place == pytest.approx(round(place))
    schema = LabelSchema.from_names(["nodule"], first_value=1)
    nothing = Detection(np.zeros((0, 2, 3)), np.zeros(0), (), even.geometry, schema)
    boxes = viewer_link.add_layer(viewer, boxes_layers(nothing)[0])
    viewer.layers.selection.active = boxes
    boxes.mode = "add_rectangle"
    person.stroke((0.45, 0.45), (0.6, 0.6))
    (drawn,) = detection_from_layer(boxes.data, boxes.metadata, boxes.features).boxes
    source_axis = viewer_link.info_of(layer).frame.order[axis]
    assert drawn[1, source_axis] - drawn[0, source_axis] == pytest.approx(1.0)
    assert drawn[0, source_axis] % 1 == pytest.approx(0.5)


def test_picture_has_no_slice_to_begin_with(workbench) -> None:
    layer = workbench.session.show_image(chest_phantom())
    assert viewer_link.visible_slice(workbench.session.viewer, layer) is None


def test_first_slice_is_shown_at_once_and_gives_way_to_the_answer(
    workbench, person, install_threshold, threshold_card, brain, until, monkeypatch
) -> None:
    session = workbench.session
    install_threshold(threshold_card(spatial_dims=3))
    loaded = _loaded()
    waiting, asked = [True], []

    class Slow:
        def predict(self, image, settings):
            asked.append(settings.focus)
            yield Noted("needs 0.1 GB of 8 GB free")
            axis, index = settings.focus
            labels = np.take(image.data, index, axis=axis) > 50
            yield Previewed(axis, index, labels.astype(np.uint8))
            while waiting:
                yield Progress(0, 0, "the rest")
            return (yield from loaded.predict(image, settings))

    monkeypatch.setattr("napari_medclf.jobs.predict.load_package", lambda package, options: Slow())
    seen = viewer_link.visible_slice(session.viewer, session.image_layer)
    person.press(Qt.Key.Key_Space)
    until(lambda: any(layer.name.endswith("first slice") for layer in session.viewer.layers))
    preview = next(layer for layer in session.viewer.layers if layer.name.endswith("first slice"))
    assert asked == [seen]
    assert session.labels_layer is None
    shown_axis = next(axis for axis in range(3) if axis not in session.viewer.dims.displayed)
    step = session.viewer.dims.current_step[shown_axis]
    assert np.any(np.take(np.asarray(preview.data), step, axis=shown_axis))
    assert workbench.run.message.text() == "Needs 0.1 GB of 8 GB free"
    waiting.clear()
    until(lambda: session.labels_layer is not None, 150)
    assert not any(layer.name.endswith("first slice") for layer in session.viewer.layers)


def test_canceled_run_takes_its_first_slice_along(
    workbench, person, install_threshold, threshold_card, brain, until, monkeypatch
) -> None:
    session = workbench.session
    install_threshold(threshold_card(spatial_dims=3))

    class Endless:
        def predict(self, image, settings):
            yield Previewed(0, 2, np.ones(image.geometry.shape[1:], np.uint8))
            while True:
                yield Progress(0, 0)

    monkeypatch.setattr("napari_medclf.jobs.predict.load_package", lambda package, options: Endless())
    person.press(Qt.Key.Key_Space)
    until(lambda: len(session.viewer.layers) == 2)
    person.press(Qt.Key.Key_Escape)
    until(lambda: len(session.viewer.layers) == 1)
    assert not workbench.bar.is_running


def test_code_is_shown_and_runs_only_after_a_yes(
    workbench, person, install_threshold, threshold_card, brain, until, monkeypatch
) -> None:
    session, panel = workbench.session, workbench.run
    package = install_threshold(threshold_card(spatial_dims=3))
    loaded = _loaded()
    trust = Trust("ef" * 32, ("$import os", "$os.listdir('.')"))

    def load(package: ModelPackage, options):
        if not is_trusted(trust):
            raise NotTrusted("would run code", replace(package, trust=trust))
        return loaded

    monkeypatch.setattr("napari_medclf.jobs.predict.load_package", load)
    person.press(Qt.Key.Key_Space)
    until(lambda: panel.dialog is not None)
    assert panel.dialog.code.toPlainText() == "$import os\n$os.listdir('.')"
    assert "waits for your word" in workbench.bar.text
    person.click(panel.dialog.refuse)
    until(lambda: panel.dialog is None)
    assert not is_trusted(trust)
    assert session.labels_layer is None
    person.press(Qt.Key.Key_Space)
    until(lambda: panel.dialog is not None)
    person.click(panel.dialog.trust)
    until(lambda: session.labels_layer is not None, 150)
    assert is_trusted(trust)
    assert session.answer.prediction.model == package.name


def test_options_of_a_run_reach_the_engine(
    workbench, person, install_threshold, threshold_card, brain, until, monkeypatch
) -> None:
    install_threshold(threshold_card(spatial_dims=3))
    loaded, seen = _loaded(), []

    class Spy:
        def predict(self, image, settings):
            seen.append(settings)
            return loaded.predict(image, settings)

    def load(package, options):
        seen.append(options)
        return Spy()

    monkeypatch.setattr("napari_medclf.jobs.predict.load_package", load)
    workbench.run.form.show_values({"overlap": 0.5, "precision": "bfloat16", "runtime": "torch", "memory_gb": 2.0})
    person.press(Qt.Key.Key_Space)
    until(lambda: workbench.session.labels_layer is not None, 150)
    options, settings = seen
    assert (options.precision, options.runtime) == ("bfloat16", "torch")
    assert (settings.overlap, settings.memory_bytes) == (0.5, 2_000_000_000)


def test_answer_tells_where_it_ran_and_what_was_planned(
    workbench, person, install_threshold, threshold_card, brain, until
) -> None:
    install_threshold(threshold_card(Task.SEGMENT, spatial_dims=3))
    person.press(Qt.Key.Key_Space)
    until(lambda: workbench.session.answer is not None, 150)
    text = workbench.run.message.text()
    assert "on cpu" in text
    plan = workbench.session.answer.prediction.plan
    assert f"{plan[:1].upper()}{plan[1:]}" in text


def test_boxes_and_doubt_come_as_layers_of_their_own(
    workbench, person, install_threshold, threshold_card, brain, until, monkeypatch
) -> None:
    session, panel = workbench.session, workbench.run
    workbench.show_tab("Run")
    card = threshold_card(Task.SEGMENT, spatial_dims=3)
    install_threshold(card)
    geometry, schema = brain.geometry, card.schema_
    corners = np.array([[[1.5, 2.5, 3.5], [3.5, 8.5, 7.5]]])
    found = Detection(corners, np.array([0.75]), (schema.names[0],), geometry, schema)
    unsure = UncertaintyMap(np.full(geometry.shape, 0.5, np.float32), geometry, "entropy")
    answer = Prediction(card.name, card.version, brain.name, detection=found, uncertainty=unsure)

    class Finds:
        def predict(self, image, settings):
            yield Progress(0, 0)
            return answer

    monkeypatch.setattr("napari_medclf.jobs.predict.load_package", lambda package, options: Finds())
    for _ in range(2):  # the second run takes the place of the first
        person.press(Qt.Key.Key_Space)
        until(lambda: not workbench.bar.is_running)
        assert [type(layer).__name__ for layer in session.viewer.layers] == ["Image", "Shapes", "Image"]
    boxes, doubt = session.viewer.layers[1], session.doubt_layer
    assert list(boxes.features["class"].unique()) == [schema.names[0]]
    assert [panel.measurements.horizontalHeaderItem(n).text() for n in range(3)] == ["box", "class", "score"]
    assert panel.measurements.item(0, 2).text() == "0.75"
    assert "boxes" in workbench.correct.subject.text()
    assert session.image is brain
    assert not doubt.visible
    assert panel.doubt.isVisibleTo(panel)
    person.click(panel.doubt)
    assert doubt.visible
    session.viewer.layers.selection.active = doubt
    assert session.image is brain


def _loaded():
    """The threshold that `install_threshold` put in place of loading."""
    from napari_medclf.jobs import predict

    return predict.load_package(None, None)


def test_key_e_shows_where_the_evidence_lies(workbench, person, until) -> None:
    session = workbench.session
    workbench.show_tab("Run")
    until(lambda: workbench.run.models.choose("chest-xray-pneumonia"))  # which are installed is looked up meanwhile
    film = session.show_image(chest_phantom())
    person.press(Qt.Key.Key_Space)
    until(lambda: workbench.run.why.isVisibleTo(workbench.run) and not session.bar.is_running, 120)
    person.press(Qt.Key.Key_E)
    until(lambda: len(session.viewer.layers) == 2 and not session.bar.is_running, 120)
    heat = session.viewer.layers[-1]
    info = viewer_link.info_of(heat)
    assert info.heat.class_name == session.answer.prediction.classification.decided[0]
    assert heat.data.shape == film.data.shape
    assert session.image_layer.name == film.name
    workbench.run.scores.selectRow(1)
    other = workbench.run.scores.chosen_class
    person.click(workbench.run.why)
    until(lambda: viewer_link.info_of(session.viewer.layers[-1]).heat.class_name == other)
    assert len(session.viewer.layers) == 2
