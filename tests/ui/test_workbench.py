import subprocess
import sys

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QScrollArea

from napari_medclf.domain.annotation import Status
from napari_medclf.domain.card import Task
from napari_medclf.domain.stroke import Stroke
from napari_medclf.store.strokes.history import StrokeHistory
from napari_medclf.store.strokes.stroke_file import StrokeFile
from napari_medclf.testing.phantoms import brain_phantom, chest_phantom, oblique_phantom


def test_dock_is_wide_enough_for_all_its_tabs(workbench) -> None:
    assert [workbench.tabs.tabText(index) for index in range(workbench.tabs.count())] == [
        "Data", "Run", "Correct", "Train", "Evaluate", "Models", "Batch",
    ]  # fmt: skip
    last = workbench.tabs.tabBar().tabRect(workbench.tabs.count() - 1)
    assert last.right() <= workbench.tabs.width()


def test_no_panel_is_cut_off_at_the_side(workbench, qtbot) -> None:
    for name, panel in workbench.panels.items():
        workbench.show_tab(name)
        qtbot.wait(20)
        shown = workbench.tabs.currentWidget()
        room = shown.viewport() if isinstance(shown, QScrollArea) else workbench.tabs
        assert panel.width() <= room.width(), name


def test_volume_opens_in_its_acquired_plane_with_patient_letters(workbench) -> None:
    workbench.session.show_image(brain_phantom().image)
    notes = workbench.notes
    assert [notes.text(edge) for edge in ("left", "right", "top", "bottom")] == ["R", "L", "A", "P"]
    workbench.session.viewer.dims.order = (2, 0, 1)
    assert [notes.text(edge) for edge in ("left", "right", "top", "bottom")] == ["A", "P", "S", "I"]
    workbench.session.viewer.dims.ndisplay = 3
    assert notes.text("left") == ""


def test_mouse_tells_where_it_is_in_the_patient(workbench, person, until) -> None:
    workbench.session.show_image(brain_phantom().image)

    def is_told() -> bool:
        person.point_at((0.4, 0.5))  # two places: a mouse that stands still tells nothing
        person.point_at((0.5, 0.5))
        return bool(workbench.notes.text("position").endswith(" mm"))

    until(is_told)
    # the phantom's middle lies near LPS (0, 0, 8); the letters say which side of zero it is
    text = workbench.notes.text("position")
    assert {part[0] for part in text.split("   ")} <= set("RLAPSI")


def test_run_without_an_image_says_what_to_do(workbench, person, install_threshold, threshold_card) -> None:
    from napari.utils.notifications import notification_manager

    install_threshold(threshold_card())
    notification_manager.records.clear()
    person.press(Qt.Key.Key_Space)
    assert "Open an image first" in notification_manager.records[-1].message
    assert not workbench.bar.is_running


def test_running_shows_labels_with_names_colours_and_sizes(
    workbench, person, install_threshold, threshold_card, until
) -> None:
    card = threshold_card(spatial_dims=3)
    install_threshold(card)
    phantom = brain_phantom()
    workbench.session.show_image(phantom.image)
    person.press(Qt.Key.Key_Space)
    until(lambda: workbench.session.answer is not None)
    labels = workbench.session.labels_layer
    bright = phantom.image.data > (phantom.image.data.max() + phantom.image.data.min()) / 2
    assert labels.features["class"].tolist() == ["background", "bright"]
    assert labels.features["volume_ml"][1] == pytest.approx(bright.sum() * 1.5e-3, rel=0.02)
    assert tuple(labels.scale) == tuple(workbench.session.image_layer.scale)
    assert workbench.run.measurements.item(0, 1).text() == "bright"


def test_classes_appear_on_the_canvas_and_a_key_overrules_them(
    workbench, person, install_threshold, threshold_card, until
) -> None:
    install_threshold(threshold_card(Task.CLASSIFY))
    workbench.session.show_image(chest_phantom())
    person.press(Qt.Key.Key_Space)
    until(lambda: workbench.session.answer is not None)
    assert "dark" in workbench.notes.text("scores")
    assert "%" in workbench.notes.text("scores")
    person.press(Qt.Key.Key_2)
    assert workbench.session.person_classes == ("bright",)
    assert workbench.notes.text("scores").endswith("you: bright")


def test_class_keys_choose_the_label_to_paint(workbench, person) -> None:
    phantom = brain_phantom()
    workbench.session.show_image(phantom.image)
    workbench.session.begin_labels(phantom.truth.schema)
    person.press(Qt.Key.Key_2)
    assert workbench.session.labels_layer.selected_label == 2
    assert workbench.session.labels_layer.mode == "paint"  # napari's own meaning of 2 did not interfere


def test_digits_keep_napari_s_meaning_on_layers_of_others(workbench, person) -> None:
    layer = workbench.session.viewer.add_labels(np.zeros((20, 20), int))
    person.press(Qt.Key.Key_2)
    assert layer.mode == "paint"


def test_escape_cancels_what_runs(workbench, person, until) -> None:
    from napari_medclf.domain.events import Progress

    def endless():
        while True:
            yield Progress(1, 4, "thinking")

    ends = []
    workbench.bar.start("Thinking", endless, lambda result: None, on_end=ends.append)
    until(lambda: workbench.bar.is_running)
    person.press(Qt.Key.Key_Escape)
    until(lambda: ends, 3)
    assert ends[0].reason == "canceled"


def test_second_job_is_refused_while_one_runs(workbench, until) -> None:
    import time

    from napari_medclf.domain.events import Progress

    def slow():
        for step in range(20):
            time.sleep(0.02)
            yield Progress(step, 20)
        return "first"

    results = []
    assert workbench.bar.start("One", slow, results.append)
    assert not workbench.bar.start("Two", slow, results.append)
    until(lambda: not workbench.bar.is_running)
    assert results == ["first"]


def test_painting_is_restored_after_the_window_was_closed_without_saving(
    workbench, person, install_threshold, threshold_card, pictures, until
) -> None:
    session = workbench.session
    install_threshold(threshold_card())
    session.open_path(pictures)
    until(lambda: session.image is not None)
    person.press(Qt.Key.Key_Space)
    until(lambda: session.labels_layer is not None)
    person.click(workbench.correct.tools.group.buttons()[0])
    before = session.labels_layer.data.copy()
    person.stroke((0.3, 0.3), (0.3, 0.6))
    painted = session.labels_layer.data.copy()
    assert (painted != before).any()
    session.open_index(1)
    until(lambda: session.image.name != "disc-0" and session.labels_layer is None)
    session.open_index(0)
    until(lambda: session.labels_layer is not None)
    assert np.array_equal(session.labels_layer.data, painted)
    assert session.painting.is_dirty(session.labels_layer)


def strokes_on(session) -> list[Stroke]:
    """Read the strokes on the open image from the disk, as another process would."""
    labels = session.labels_layer
    folder = session.painting.state(labels).folder
    return [one.stroke for one in StrokeHistory(folder, session.image.source.digest).strokes()]


def test_a_stroke_is_on_disk_before_the_paint_event_returns(workbench, person, pictures, until) -> None:
    session = workbench.session
    session.open_path(pictures)
    until(lambda: session.image is not None)
    from napari_medclf.domain.labels import LabelSchema

    session.begin_labels(LabelSchema.from_names(["disc"], first_value=1))
    found = []
    session.painting.stroked.connect(lambda layer, stroke: found.append(strokes_on(session)))
    person.stroke((0.4, 0.4), (0.5, 0.5))
    assert [len(strokes) for strokes in found] == [1]
    assert len(found[0][0]) == np.count_nonzero(session.labels_layer.data)


def test_running_again_keeps_what_a_person_painted(
    workbench, person, install_threshold, threshold_card, pictures, until
) -> None:
    session = workbench.session
    install_threshold(threshold_card())
    session.open_path(pictures)
    until(lambda: session.image is not None)
    person.press(Qt.Key.Key_Space)
    until(lambda: session.labels_layer is not None)
    first = session.labels_layer
    first.data_setitem((np.array([2, 2]), np.array([2, 3])), 1)
    person.press(Qt.Key.Key_Space)
    until(lambda: not workbench.bar.is_running)
    until(lambda: not session.lane.is_busy)
    seen = [layer for layer in session.viewer.layers if layer.visible]
    assert [layer for layer in seen if layer != session.image_layer] == [first]
    assert first.data[2, 2] == 1
    assert np.count_nonzero(first.data) > 100


def test_bad_file_is_told_in_a_sentence(workbench, person, tmp_path, until) -> None:
    from napari.utils.notifications import notification_manager

    broken = tmp_path / "broken.nii.gz"
    broken.write_bytes(b"")
    notification_manager.records.clear()
    person.type_path(workbench.data.path, broken)
    until(lambda: notification_manager.records)
    assert "broken.nii.gz" in notification_manager.records[-1].message
    assert "Traceback" not in notification_manager.records[-1].message


def test_oblique_volume_shows_its_warning_free_facts(workbench) -> None:
    workbench.session.show_image(oblique_phantom())
    assert "oblique" in workbench.data.facts.text()
    assert "3.5 × 0.75 × 0.5 mm" in workbench.data.facts.text()


def test_statuses_are_shown_in_the_work_list(workbench, pictures, until) -> None:
    session = workbench.session
    session.open_path(pictures)
    until(lambda: session.image is not None)
    session.work.mark(1, Status.FLAGGED)
    session.work_changed.emit()
    assert workbench.data.list.model().index(1).data().startswith("⚑")
    assert session.work.next_open() == 2


def test_importing_the_dock_loads_no_deep_learning() -> None:
    code = (
        "import sys, napari_medclf.ui.workbench\n"
        "print(sorted({'torch', 'monai', 'sklearn', 'highdicom', 'nibabel', 'pydicom'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_closing_the_dock_gives_keys_and_canvas_back_and_it_can_be_opened_again(workbench, person) -> None:
    viewer = workbench.session.viewer
    layer = workbench.session.show_image(brain_phantom().image)
    dock = viewer.window.dock_widgets
    assert len(dock) == 1
    viewer.window.remove_dock_widget(workbench)
    assert layer.keymap == {}
    assert not [name for name in viewer.canvas.overlays if name.startswith("medclf")]
    _, again = viewer.window.add_plugin_dock_widget("napari-medclf", "Workbench")
    assert again is not workbench
    assert again.notes.text("left") == "R"
    again.close_down()


def test_a_new_object_gets_its_own_number(workbench, person) -> None:
    from napari_medclf.bridge.layers import labels_layer
    from napari_medclf.testing.phantoms import cells_phantom
    from napari_medclf.ui.viewer_link import add_layer

    phantom = cells_phantom()
    workbench.session.show_image(phantom.image)
    layer = add_layer(workbench.session.viewer, labels_layer(phantom.truth))
    person.press(Qt.Key.Key_1)
    assert layer.selected_label == phantom.truth.labels.max() + 1


def test_shapes_keep_their_keys(workbench, person) -> None:
    workbench.session.show_image(brain_phantom().image)
    shapes = workbench.session.viewer.add_shapes()
    assert shapes.keymap == {}


def test_flagging_keeps_what_was_painted(workbench, person, pictures, until) -> None:
    from napari_medclf.domain.labels import LabelSchema

    session = workbench.session
    session.open_path(pictures)
    until(lambda: session.image is not None)
    session.begin_labels(LabelSchema.from_names(["disc"], first_value=1))
    person.stroke((0.4, 0.4), (0.5, 0.5))
    person.press(Qt.Key.Key_X)
    until(lambda: session.work.count(Status.FLAGGED) == 1 and not session.lane.is_busy)
    assert len(strokes_on(session)) == 1
    assert session.painting.is_dirty(session.labels_layer)
    assert session.work.current == 0


def test_key_pressed_twice_answers_for_one_image_only(workbench, person, install_threshold, threshold_card, pictures,
                                                      until) -> None:  # fmt: skip
    session = workbench.session
    install_threshold(threshold_card())
    session.open_path(pictures)
    until(lambda: session.image is not None)
    person.press(Qt.Key.Key_Space)
    until(lambda: session.labels_layer is not None)
    person.press(Qt.Key.Key_N)
    person.press(Qt.Key.Key_N)
    until(lambda: session.image is not None and session.image.name == "disc-1" and not session.lane.is_busy)
    assert session.work.count(Status.DONE) == 1


def test_labels_of_an_image_that_was_dropped_stay_when_a_folder_is_opened(workbench, pictures, until) -> None:
    session = workbench.session
    phantom = brain_phantom()
    dropped = session.show_image(phantom.image)
    session.begin_labels(phantom.truth.schema)
    labels = session.labels_layer
    session.open_path(pictures)
    until(lambda: session.image is not None and session.image.name == "disc-0")
    assert dropped in session.viewer.layers
    assert labels in session.viewer.layers


def full_disk(self, content: bytes) -> None:
    raise OSError(28, "No space left on device")


def test_closing_the_window_writes_the_last_stroke_where_its_journal_could_not_be(
    workbench, person, pictures, until, monkeypatch
) -> None:
    from qtpy.QtCore import QEvent

    from napari_medclf.domain.labels import LabelSchema

    session = workbench.session
    session.open_path(pictures)
    until(lambda: session.image is not None)
    session.begin_labels(LabelSchema.from_names(["disc"], first_value=1))
    monkeypatch.setattr(StrokeFile, "append", full_disk)
    session.labels_layer.data_setitem((np.array([5]), np.array([6])), 1)
    assert "memory only" in session.painting.problem
    path = session.autosave.copies.path(session.image)
    assert not path.exists()
    workbench.eventFilter(workbench.window(), QEvent(QEvent.Type.Close))
    assert path.is_file()


def test_folder_dropped_on_the_panel_is_opened(workbench, pictures, until) -> None:
    from qtpy.QtCore import QMimeData, QPoint, QPointF, QUrl
    from qtpy.QtGui import QDragEnterEvent, QDropEvent
    from qtpy.QtWidgets import QApplication

    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(pictures))])
    actions, button, none = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(QPoint(20, 200), actions, mime, button, none)
    QApplication.sendEvent(workbench.data, enter)
    assert enter.isAccepted()
    QApplication.sendEvent(workbench.data, QDropEvent(QPointF(20, 200), actions, mime, button, none))
    until(lambda: workbench.session.image is not None)
    assert len(workbench.session.work.items) == 4
