"""The tools with a real mouse: what is drawn is one stroke, on the disk, locked, and can be taken back."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_medclf.bridge.layers import image_layer, labels_layer
from napari_medclf.domain.geometry import Geometry
from napari_medclf.domain.image import MedImage, Source
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.results import Segmentation
from napari_medclf.domain.stroke import StrokeKind
from napari_medclf.domain.voxel_origin import VoxelOrigin
from napari_medclf.engine.correct.tools import Tool
from napari_medclf.ui import viewer_link

SHAPE = (12, 60, 84)
SPACING = (4.0, 1.0, 1.0)
CENTRE = (0.5, 0.5)


@pytest.fixture
def disc() -> np.ndarray:
    row, column = np.indices(SHAPE[1:])
    return np.broadcast_to((row - 30) ** 2 + (column - 42) ** 2 <= 12**2, SHAPE)


@pytest.fixture
def painted_on(workbench, disc, tmp_path):
    """A bright tube in a volume with thick slices, with empty labels, in the Correct tab."""
    session = workbench.session
    session.user_folder = tmp_path / "user"
    noise = np.random.default_rng(0).normal(0, 8, SHAPE)
    samples = (40 + 60 * disc + noise).astype(np.float32)
    image = MedImage(samples, Geometry.from_spacing(SHAPE, SPACING), name="tube", source=Source(tmp_path / "tube.nii"))
    viewer_link.add_layer(session.viewer, image_layer(image))
    session.begin_labels(LabelSchema.from_names(["tube", "other"], first_value=1))
    workbench.show_tab("Correct")
    return session


def choose(workbench, person, tool: Tool) -> None:
    row = workbench.correct.tools
    person.click(next(one for one in row.tools.buttons() if one.property("tool") == str(tool)))
    assert row.mouse.tool is tool


def state_of(session):
    return session.painting.state(session.labels_layer)


def shown_index(session) -> int:
    return viewer_link.visible_slice(session.viewer, session.labels_layer)[1]


def test_ball_paints_millimetres_through_thick_slices_and_is_one_stroke(workbench, person, painted_on, until) -> None:
    session, strokes = painted_on, []
    session.painting.stroked.connect(lambda layer, stroke: strokes.append(stroke))
    choose(workbench, person, Tool.BALL)
    workbench.correct.tools.options.fields["is_ball"].set_value(True)
    workbench.correct.tools.options.fields["radius_mm"].set_value(9.0)
    person.stroke(CENTRE, (0.52, 0.5))
    state = state_of(session)
    found = np.argwhere(state.labels == 1)
    assert [stroke.kind for stroke in strokes] == [StrokeKind.PAINT]
    assert np.ptp(found[:, 0]) == 4  # 9 mm up and down in slices of 4 mm
    assert np.ptp(found[:, 1]) in (17, 18)  # the mouse is between two rows
    assert (session.labels_layer.data == state.info.frame.to_display(state.labels)).all()
    assert (state.origin[state.labels == 1] == VoxelOrigin.PERSON).all()
    assert session.undo()
    assert not state.labels.any()
    assert not session.labels_layer.data.any()


def test_smart_brush_stops_at_the_edge_and_a_range_is_taken_from_under_the_cursor(
    workbench, person, painted_on, disc
) -> None:
    session = painted_on
    choose(workbench, person, Tool.SMART)
    workbench.correct.tools.options.fields["radius_mm"].set_value(20.0)
    person.stroke(CENTRE, CENTRE)
    labels, index = state_of(session).labels, shown_index(session)
    found = labels[index] == 1
    assert 2 * (found & disc[index]).sum() / (found.sum() + disc[index].sum()) > 0.95
    assert not np.delete(labels, index, axis=0).any()
    assert session.undo()

    choose(workbench, person, Tool.RANGE)
    options = workbench.correct.tools.options
    options.fields["radius_mm"].set_value(6.0)
    person.click_at(CENTRE, Qt.KeyboardModifier.ControlModifier)
    chosen = options.read()
    assert 80 < chosen.low < 95
    assert 105 < chosen.high < 120
    assert not state_of(painted_on).labels.any()


def test_slices_between_are_filled_taken_back_as_one_and_pieces_erased(
    workbench, person, painted_on, disc, until
) -> None:
    session = painted_on
    labels = session.labels_layer
    state = state_of(session)
    for index in (2, 9):
        plane = np.flatnonzero(disc[index]) + index * disc[index].size
        session.painting.apply(labels, plane, 1, StrokeKind.PAINT)
    person.click(workbench.correct.tools.between)
    until(lambda: state.labels[5].any())
    assert ((state.labels == 1)[2:10] == disc[2:10]).all()
    assert not state.labels[[0, 1, 10, 11]].any()
    assert session.undo()
    assert not state.labels[3:9].any()
    assert (state.labels[2] == disc[2]).all()

    session.painting.apply(session.labels_layer, np.flatnonzero(disc), 1, StrokeKind.PAINT)
    choose(workbench, person, Tool.PIECE)
    workbench.correct.tools.options.fields["piece"].widget.setCurrentIndex(1)
    person.stroke(CENTRE, CENTRE)
    until(lambda: not state_of(session).labels.any())


def test_napari_brush_puts_our_tool_away_and_objects_have_tools_of_their_own(workbench, person, painted_on) -> None:
    choose(workbench, person, Tool.BALL)
    painted_on.labels_layer.mode = "paint"
    row = workbench.correct.tools
    assert row.mouse.tool is None
    assert not any(one.isChecked() for one in row.tools.buttons())
    choose(workbench, person, Tool.BALL)
    assert row.drop()
    assert painted_on.labels_layer.mouse_pan
    assert not row.drop()

    choose(workbench, person, Tool.BALL)
    segmentation = viewer_link.info_of(painted_on.labels_layer).segmentation
    painted_on.viewer.layers.remove(painted_on.labels_layer)
    viewer_link.add_layer(painted_on.viewer, labels_layer(segmentation))
    assert row.mouse.tool is Tool.BALL  # it waited for labels to paint on
    assert not painted_on.labels_layer.mouse_pan
    painted_on.viewer.dims.ndisplay = 3
    assert row.mouse.tool is None
    painted_on.viewer.dims.ndisplay = 2
    enabled = {one.text(): one.isEnabled() for one in row.tools.buttons()}
    assert enabled == {"Ball": True, "Smart": True, "Range": True, "Piece": True, "Split": False, "Merge": False}


def test_lock_key_locks_the_piece_under_the_mouse_and_unlocks_it(workbench, person, painted_on, disc, until) -> None:
    session, lock = painted_on, workbench.correct.lock
    state = state_of(session)
    voxels = np.flatnonzero(disc)
    session.painting.apply(session.labels_layer, voxels, 1, StrokeKind.MODEL, "a model")
    assert not state.origin.any()
    person.click_at(CENTRE)
    until(lambda: disc[viewer_link.voxel_under_cursor(session.viewer, session.labels_layer)])
    session.viewer.mouse_over_canvas = True  # Xvfb sends no enter event
    assert lock.toggle_lock()
    index = shown_index(session)
    assert (state.origin[index] != 0).sum() == disc[index].sum()
    assert not np.delete(state.origin, index, axis=0).any()
    assert lock.toggle_lock()
    assert not state.origin.any()
    session.viewer.mouse_over_canvas = False
    person.click(lock.lock)  # from the dock: all of the slice
    assert (state.origin[index] != 0).sum() == (state.origin != 0).sum() == disc[index].size


def test_what_naparis_brush_goes_over_unchanged_is_locked_too(workbench, person, painted_on, disc, until) -> None:
    session, strokes = painted_on, []
    state, layer = state_of(session), session.labels_layer
    session.painting.apply(layer, np.flatnonzero(disc), 1, StrokeKind.MODEL, "a model")
    session.painting.stroked.connect(lambda layer, stroke: strokes.append(stroke))
    layer.mode, layer.brush_size, layer.selected_label = "paint", 5, 1

    person.stroke(CENTRE, (0.52, 0.5))  # all of it is right
    until(lambda: strokes)
    assert (strokes[0].kind, (strokes[0].before == strokes[0].after).all()) == (StrokeKind.PAINT, True)
    locked = np.argwhere(state.origin)
    assert (state.labels == disc).all()
    assert 8 < len(locked) < 60
    assert (np.abs(locked - (shown_index(session), 30, 42)).max(axis=0) <= (0, 4, 12)).all()
    assert session.undo()
    assert not state.origin.any()

    person.stroke(CENTRE, (0.9, 0.5))  # out of the disc
    until(lambda: len(strokes) == 3)
    drawn = strokes[2]
    assert 0 < np.count_nonzero(drawn.before == drawn.after) < len(drawn)
    assert state.origin.reshape(-1)[drawn.voxels].all()
    assert session.undo()
    assert (state.labels == disc).all()
    assert not state.origin.any()


def test_who_drew_what_is_shown_and_follows_the_strokes(workbench, person, painted_on, disc, until) -> None:
    session, lock = painted_on, workbench.correct.lock
    session.painting.apply(session.labels_layer, np.flatnonzero(disc), 1, StrokeKind.MODEL, "a model")
    lock.who.setChecked(True)
    until(lambda: any(layer.name.endswith(": who") and layer.visible for layer in session.viewer.layers))
    who = next(layer for layer in session.viewer.layers if layer.name.endswith(": who"))
    frame = state_of(session).info.frame
    assert set(np.unique(who.data)) == {0, 1}
    assert session.labels_layer.name != who.name
    session.painting.apply(session.labels_layer, np.arange(40), 2, StrokeKind.PAINT)
    assert (frame.from_display(who.data).reshape(-1)[:40] == 2).all()
    until(lambda: "you 40" in lock.counts.text())
    lock.who.setChecked(False)
    assert not any(layer.name.endswith(": who") for layer in session.viewer.layers)


def test_disagreements_are_stepped_through_and_settled(workbench, person, painted_on, until) -> None:
    session, lock = painted_on, workbench.correct.lock
    state, layer = state_of(session), painted_on.labels_layer
    prediction = np.zeros(SHAPE, dtype=np.uint8)
    for index, size in ((2, 6), (8, 3)):  # where the person drew nothing on purpose
        prediction[index, 10 : 10 + size, 20 : 20 + size] = 2
        session.painting.apply(layer, np.flatnonzero(prediction), 0, StrokeKind.ERASE)
    prediction[5, 40:50, 40:50] = 1
    session.painting.take_prediction(layer, prediction, None, "a model")
    until(lambda: len(lock.disagreeing.pieces) == 2)
    assert (state.labels == 1).sum() == 100
    assert not (state.labels == 2).any()
    assert "2 places" in lock.pieces.text()
    assert lock.next_disagreement()
    assert shown_index(session) == 2
    assert "Model: other" in lock.pieces.text()
    mark = next(one for one in session.viewer.layers if one.name == "model disagrees")
    assert mark.data.sum() == 36
    assert np.allclose(
        mark.data_to_world((0, 0, 0)), layer.data_to_world((SHAPE[0] - 1 - 2, 10, 20))
    )  # shown from above
    assert lock.next_disagreement()
    assert shown_index(session) == 8
    person.click(lock.give_in)
    assert (state.labels[8] == 2).sum() == 9
    assert len(lock.disagreeing.pieces) == 1
    assert session.undo()
    assert not (state.labels == 2).any()


def test_objects_are_split_and_merged_with_the_mouse(workbench, person, tmp_path, until) -> None:
    session = workbench.session
    session.user_folder = tmp_path / "user"
    row, column = np.indices((60, 84))
    cells = np.zeros((1, 60, 84), dtype=np.int32)
    cells[0][(row - 30) ** 2 + (column - 34) ** 2 <= 11**2] = 1
    cells[0][(row - 30) ** 2 + (column - 52) ** 2 <= 9**2] = 1
    geometry = Geometry.flat(60, 84)
    image = MedImage((cells * 100).astype(np.uint8), geometry, name="cells", source=Source(tmp_path / "cells.png"))
    schema = LabelSchema.from_names(["cell"], first_value=1)
    viewer_link.add_layer(session.viewer, image_layer(image))
    viewer_link.add_layer(session.viewer, labels_layer(Segmentation(cells, geometry, schema, is_instances=True)))
    workbench.show_tab("Correct")
    state = state_of(session)

    choose(workbench, person, Tool.SPLIT)
    person.click_at((0.42, 0.5))
    until(lambda: state.labels.max() == 2)
    assert (state.labels[0, 30, 28], state.labels[0, 30, 57]) == (1, 2)
    assert ((state.labels > 0) == (cells > 0)).all()
    choose(workbench, person, Tool.MERGE)
    person.stroke((0.63, 0.5), (0.42, 0.5))
    until(lambda: set(np.unique(state.labels)) == {0, 2})
    choose(workbench, person, Tool.SPLIT)
    person.stroke((0.4, 0.1), (0.4, 0.9))
    until(lambda: state.labels.max() == 3)
    assert (session.labels_layer.data == state.labels[0]).all()
    for _ in range(3):
        assert session.undo()
    assert (state.labels == cells).all()
