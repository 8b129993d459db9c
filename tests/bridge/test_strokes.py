"""What napari tells of painting must name the voxels that changed on the image's own grid, and no others."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from napari_medclf.bridge.layers import labels_layer
from napari_medclf.bridge.strokes import labels_on_grid, stroke_from_paint, to_display_index, to_source_voxels
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.results import Segmentation
from napari_medclf.domain.stroke import StrokeKind
from napari_medclf.testing.phantoms import cells_phantom, oblique_phantom

SCHEMA = LabelSchema.from_names(["liver", "spleen"], first_value=1)


@pytest.fixture(params=["oblique volume", "picture"])
def layer(request):
    """A labels layer over an image whose display order is not its own, with some labels in it."""
    napari_layers = pytest.importorskip("napari.layers")
    image = oblique_phantom() if request.param == "oblique volume" else cells_phantom().image
    labels = np.zeros(image.geometry.shape, np.uint8)
    labels.reshape(-1)[labels.size // 3 : labels.size // 2] = 2
    data, keywords, _ = labels_layer(Segmentation(labels, image.geometry, SCHEMA, name="labels"))
    return napari_layers.Labels(data, **keywords)


def strokes_of(layer, act):
    """Do something with a layer; return (the stroke told, labels before and after on the image's grid)."""
    frame, told = layer.metadata["medclf"].frame, []
    layer.events.paint.connect(lambda event: told.append(event.value))
    before = labels_on_grid(layer.data, frame).copy()
    act(layer)
    after = labels_on_grid(layer.data, frame).copy()
    strokes = [stroke_from_paint(value, layer.data.shape, frame, str(layer.mode), "reader 1") for value in told]
    return strokes, before, after


def assert_is_the_change(stroke, before, after) -> None:
    changed = np.flatnonzero(before != after)
    assert set(changed) <= set(stroke.voxels.tolist())
    assert np.all(np.diff(stroke.voxels) > 0)
    np.testing.assert_array_equal(before.reshape(-1)[stroke.voxels], stroke.before)
    np.testing.assert_array_equal(after.reshape(-1)[stroke.voxels], stroke.after)


def drag(layer) -> None:
    """Paint as a drag does: several dabs that overlap, told as one stroke."""
    middle = [size // 2 for size in layer.data.shape]
    layer.brush_size = 5
    with layer.block_history():
        for step in range(4):
            layer.paint((*middle[:-1], middle[-1] - 2 + step), 1)


def test_drag_is_one_stroke_on_the_own_grid(layer) -> None:
    layer.mode = "paint"
    strokes, before, after = strokes_of(layer, drag)
    assert len(strokes) == 1
    assert_is_the_change(strokes[0], before, after)
    assert strokes[0].kind is StrokeKind.PAINT
    assert strokes[0].author == "reader 1"
    assert len(strokes[0]) >= 20


def test_voxel_painted_twice_keeps_its_first_and_last_value(layer) -> None:
    def act(layer) -> None:
        middle = tuple(size // 2 for size in layer.data.shape)
        with layer.block_history():
            layer.paint(middle, 1)
            layer.paint(middle, 2)

    strokes, before, after = strokes_of(layer, act)
    assert_is_the_change(strokes[0], before, after)


def test_fill_and_data_setitem_are_strokes_too(layer) -> None:
    def act(layer) -> None:
        layer.contiguous = True
        layer.mode = "fill"
        inside = np.argwhere(layer.data == 2)[0]
        layer.fill(tuple(inside), 1)
        layer.mode = "pan_zoom"
        layer.data_setitem(tuple(np.array([0, 1]) for _ in layer.data.shape), 2)

    frame = layer.metadata["medclf"].frame
    start = labels_on_grid(layer.data, frame).copy()
    told = []

    def on_paint(event) -> None:
        told.append(stroke_from_paint(event.value, layer.data.shape, frame, str(layer.mode), ""))

    layer.events.paint.connect(on_paint)
    act(layer)
    assert [one.kind for one in told] == [StrokeKind.FILL, StrokeKind.PAINT]
    replayed = start
    for one in told:
        replayed.reshape(-1)[one.voxels] = one.after
    np.testing.assert_array_equal(replayed, labels_on_grid(layer.data, frame))


def test_painting_background_erases(layer) -> None:
    layer.mode = "paint"
    inside = tuple(np.argwhere(layer.data == 2)[0])
    strokes, before, after = strokes_of(layer, lambda layer: layer.paint(inside, 0))
    assert strokes[0].kind is StrokeKind.ERASE
    assert_is_the_change(strokes[0], before, after)


def test_voxels_go_to_the_display_and_home(layer) -> None:
    frame, shape = layer.metadata["medclf"].frame, layer.data.shape
    voxels = np.random.default_rng(3).choice(layer.data.size, 50, replace=False)
    shown = np.ravel_multi_index(to_display_index(voxels, shape, frame), shape)
    np.testing.assert_array_equal(to_source_voxels(shown, shape, frame), voxels)
    grid = labels_on_grid(layer.data, frame)
    np.testing.assert_array_equal(layer.data[to_display_index(voxels, shape, frame)], grid.reshape(-1)[voxels])


def test_nothing_changed_is_no_stroke(layer) -> None:
    assert stroke_from_paint([], layer.data.shape, replace(layer.metadata["medclf"]).frame, "paint", "") is None
