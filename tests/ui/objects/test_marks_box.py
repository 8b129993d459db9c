"""Keys name objects and slices; the other objects take their class's colour at once."""

from __future__ import annotations

import numpy as np
import pytest

from napari_medclf.bridge.layers import image_layer, labels_layer
from napari_medclf.domain.geometry import Geometry
from napari_medclf.domain.image import MedImage
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.results import Scope, Segmentation
from napari_medclf.io.digest import with_digest
from napari_medclf.io.read import read_image
from napari_medclf.io.write import write_image
from napari_medclf.store.project import Project
from napari_medclf.ui import viewer_link
from napari_medclf.ui.objects.box import MarksBox
from napari_medclf.ui.objects.marking import KeysAbout

SHAPE = (4, 60, 80)
N_CELLS = 12


def cells(tmp_path):
    """Balls on a grid, every third of them bright, in an anisotropic volume; and their labels."""
    labels = np.zeros(SHAPE, dtype=np.uint16)
    data = np.full(SHAPE, 100.0, dtype=np.float32)
    rows, columns = np.indices(SHAPE[1:])
    for number in range(1, N_CELLS + 1):
        j, i = 10 + 20 * ((number - 1) // 4), 10 + 20 * ((number - 1) % 4)
        disc = (rows - j) ** 2 + (columns - i) ** 2 < 36
        labels[1:3, disc] = number
        data[1:3, disc] += (60 if number % 3 == 0 else 20) + number % 2
    geometry = Geometry.from_spacing(SHAPE, (3.0, 0.5, 0.5))
    write_image(MedImage(data, geometry, "cells"), tmp_path / "cells.nii.gz")
    image = with_digest(read_image(tmp_path / "cells.nii.gz"))
    schema = LabelSchema.from_names(["cell"], first_value=1)
    found = Segmentation(labels, image.geometry, schema, is_instances=True, source_digest=image.source.digest)
    return image, found


@pytest.fixture
def box(workbench, tmp_path, until):
    session = workbench.session
    session.project = tmp_path / "project"
    image, found = cells(tmp_path)
    viewer_link.add_layer(session.viewer, image_layer(image))
    viewer_link.add_layer(session.viewer, labels_layer(found, image=image))
    made = MarksBox(session, workbench)
    made.marking.offer(("dim", "bright"))
    until(lambda: not session.lane.is_busy)
    return made


def point_at(session, number):
    """Put the mouse over an object."""
    layer = session.labels_layer
    place = np.argwhere(np.asarray(layer.data) == number).mean(0).round()
    world = layer.data_to_world(place)
    session.viewer.dims.set_point(0, world[0])
    session.viewer.cursor.position = world


def test_two_named_objects_colour_all_others(workbench, box, until):
    session, marking = workbench.session, box.marking
    marking.about = KeysAbout.OBJECT
    objects = np.array(session.labels_layer.data)
    for number, key in ((1, 1), (3, 2)):
        point_at(session, number)
        assert marking.press(key)
    until(lambda: box.recolouring.answer is not None)

    shown = next(layer for layer in session.viewer.layers if layer.name.endswith("· classes"))
    for number in range(1, N_CELLS + 1):
        assert set(np.unique(shown.data[objects == number])) == {2 if number % 3 == 0 else 1}
    assert session.labels_layer.name != shown.name
    assert np.array_equal(session.labels_layer.data, objects)
    assert "8 dim" in box.objects.text()

    until(lambda: not session.lane.is_busy)
    marks = Project.open(session.project).marks()
    assert [(mark.index, mark.classes) for mark in marks] == [(1, ("dim",)), (3, ("bright",))]
    assert marks[0].scope is Scope.OBJECT
    x, y, z = marks[0].place_mm
    place = np.argwhere(session.labels_layer.data == 1).mean(0)
    assert session.labels_layer.data_to_world(place) == pytest.approx((-z, y, x), abs=0.01)


def test_painting_keeps_its_keys_until_marks_are_chosen(workbench, box):
    assert not box.marking.press(1)
    assert not box.marking.unsure()
    assert not box.focus_comment()


def test_what_was_said_of_a_slice_comes_back_with_the_image(workbench, box, until):
    session, marking = workbench.session, box.marking
    marking.about = KeysAbout.SLICE
    point_at(session, 5)
    axis, index = viewer_link.visible_slice(session.viewer, session.image_layer)
    marking.press(2)
    marking.comment("motion")
    until(lambda: not session.lane.is_busy)

    image_described = image_layer(session.image)
    session.viewer.layers.clear()
    assert marking.marks == ()
    viewer_link.add_layer(session.viewer, image_described)
    until(lambda: marking.marks)
    (mark,) = marking.marks
    assert (mark.axis, mark.index, mark.classes, mark.comment) == (axis, index, ("bright",), "motion")


def test_unsure_objects_teach_nothing_and_taking_back_does_it(workbench, box, until):
    session, marking = workbench.session, box.marking
    marking.about = KeysAbout.OBJECT
    for number, key in ((1, 1), (3, 2)):
        point_at(session, number)
        marking.press(key)
    until(lambda: box.recolouring.answer is not None)
    marking.unsure()
    assert box.recolouring.said == {1: "dim"}
    until(lambda: box.recolouring.answer is None)
    marking.unsure()
    until(lambda: box.recolouring.answer is not None)
    marking.withdraw()
    until(lambda: not session.lane.is_busy)
    assert [mark.index for mark in Project.open(session.project).marks()] == [1]


def test_a_key_beside_any_object_says_nothing(workbench, box):
    session, marking = workbench.session, box.marking
    marking.about = KeysAbout.OBJECT
    session.viewer.cursor.position = (-3.0, 10.0, 0.1)
    assert marking.press(1)
    assert marking.marks == ()
