"""A layer that shows the next image is as a new one would be, and nothing said about the one before sticks to it."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest

from napari_medclf.bridge.layers import image_layer, labels_layer
from napari_medclf.domain.card import Task
from napari_medclf.domain.dataset import FileRef
from napari_medclf.domain.geometry import Geometry
from napari_medclf.domain.image import MedImage
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.results import Segmentation
from napari_medclf.io.digest import with_digest
from napari_medclf.io.read import read_image
from napari_medclf.io.write import write_image, write_segmentation
from napari_medclf.store.project import PredictionEntry, Project, now_utc
from napari_medclf.store.strokes.history import StrokeHistory
from napari_medclf.ui import viewer_link
from napari_medclf.ui.refill import can_refill, can_refill_labels, empty_labels, refill, refill_labels

napari = pytest.importorskip("napari")

_SPACING = (3.0, 0.8, 0.6)


def volume(name: str, shape: tuple[int, int, int], turn_deg: float, seed: int, dtype: Any = np.int16) -> MedImage:
    turn = np.deg2rad(turn_deg)
    rotation = np.array([[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]])
    affine = np.eye(4)
    affine[:3, :3] = rotation @ np.fliplr(np.diag(_SPACING[::-1]).T) * (1 + 0.1 * seed)
    affine[:3, 3] = (-20.0 * seed, 7.5, 31.0)
    samples = np.random.default_rng(seed).integers(-100, 900, shape).astype(dtype)
    return MedImage(samples, Geometry(affine, shape), name, "MR")


@pytest.mark.parametrize("shape", [(12, 20, 28), (5, 30, 17)])
def test_refilled_layer_equals_a_new_one(shape: tuple[int, int, int]) -> None:
    first, second = image_layer(volume("a", (12, 20, 28), 0, 0)), image_layer(volume("b", shape, 12, 1))
    viewer, other = napari.components.ViewerModel(), napari.components.ViewerModel()
    layer = viewer.add_layer(napari.layers.Layer.create(*first))
    layer.gamma, layer.opacity, layer.colormap, layer.visible = 0.5, 0.3, "magma", False
    layer.contrast_limits = (0, 10)
    assert can_refill(layer, second)
    refill(viewer, layer, second)
    new = other.add_layer(napari.layers.Layer.create(*second))
    kept, made = layer.as_layer_data_tuple()[1], new.as_layer_data_tuple()[1]
    assert kept.keys() == made.keys()
    for key, value in made.items():
        if key != "metadata":
            assert np.all(np.asarray(kept[key] == value)), key
    assert layer.data is second[0]
    assert layer.contrast_limits_range == new.contrast_limits_range
    assert layer.metadata == new.metadata
    assert np.allclose(layer.extent.world, new.extent.world)
    assert np.allclose(np.asarray(viewer.dims.range), np.asarray(other.dims.range))
    assert viewer.dims.current_step == other.dims.current_step
    assert viewer.dims.axis_labels == other.dims.axis_labels


def labels(name: str, shape: tuple[int, int, int], turn_deg: float, seed: int) -> Any:
    image = volume(name, shape, turn_deg, seed)
    values = np.random.default_rng(seed).integers(0, 3, shape).astype(np.uint8)
    schema = LabelSchema.from_names(["one", "two"] if seed else ["other", "kind"], first_value=1)
    return labels_layer(Segmentation(values, image.geometry, schema, name=name), image=image)


@pytest.mark.parametrize("shape", [(12, 20, 28), (5, 30, 17)])
def test_refilled_labels_equal_new_ones(shape: tuple[int, int, int]) -> None:
    first, second = labels("a", (12, 20, 28), 0, 0), labels("b", shape, 12, 1)
    layer = napari.components.ViewerModel().add_layer(napari.layers.Layer.create(*first))
    layer.mode, layer.selected_label, layer.brush_size, layer.contour = "paint", 2, 33, 2
    layer.opacity, layer.preserve_labels, layer.n_edit_dimensions, layer.visible = 0.2, True, 3, True
    layer.paint((3, 3, 3), 2)
    assert can_refill_labels(layer, second)
    empty_labels(layer)
    assert not layer.metadata
    refill_labels(layer, second)
    new = napari.components.ViewerModel().add_layer(napari.layers.Layer.create(*second))
    kept, made = layer.as_layer_data_tuple()[1], new.as_layer_data_tuple()[1]
    assert kept.keys() == made.keys()
    for key, value in made.items():
        if key == "features":
            assert kept[key].equals(value)
        elif key == "colormap":
            assert {one: tuple(at) for one, at in kept[key].color_dict.items()} == {
                one: tuple(at) for one, at in value.color_dict.items()
            }
        elif key not in ("metadata", "properties"):
            assert np.all(np.asarray(kept[key] == value)), key
    names = ("mode", "selected_label", "brush_size", "contour", "preserve_labels", "n_edit_dimensions", "contiguous")
    assert [getattr(layer, name) for name in names] == [getattr(new, name) for name in names]
    assert (layer.editable, layer.visible) == (True, True)
    assert layer.data is second[0]
    layer.undo()  # of what was painted on the labels before
    np.testing.assert_array_equal(layer.data, labels("b", shape, 12, 1)[0])


def test_labels_of_objects_and_turned_ones_are_not_refilled() -> None:
    described = labels("a", (12, 20, 28), 0, 0)
    layer = napari.layers.Layer.create(*described)
    data, keywords, kind = described
    objects = {name: value for name, value in keywords.items() if name != "colormap"}
    assert not can_refill_labels(layer, (data, objects, kind))
    assert not can_refill_labels(layer, (data.astype(np.int32), keywords, kind))
    layer.rotate = 10
    assert not can_refill_labels(layer, described)


@pytest.mark.parametrize("spoil", ["affine", "rotate", "shear"])
def test_turned_layer_is_not_refilled(spoil: str) -> None:
    described = image_layer(volume("a", (12, 20, 28), 0, 0))
    layer = napari.layers.Layer.create(*described)
    changed = {"affine": np.diag([2.0, 1, 1, 1]), "rotate": (10, 0, 0), "shear": (0.1, 0, 0)}
    setattr(layer, spoil, changed[spoil])
    assert not can_refill(layer, described)


def test_other_kind_is_not_refilled() -> None:
    layer = napari.layers.Layer.create(*image_layer(volume("a", (12, 20, 28), 0, 0)))
    assert not can_refill(layer, image_layer(volume("b", (12, 20, 28), 0, 0, np.float32)))
    assert not can_refill(layer, (np.zeros((12, 20), np.int16), {"name": "flat"}, "image"))


def test_next_image_in_the_same_layer_knows_nothing_of_the_one_before(workbench, pictures, until) -> None:
    session = workbench.session
    session.open_path(pictures)
    until(lambda: session.image is not None and not session.lane.is_busy)
    layer, info = session.image_layer, viewer_link.info_of(session.image_layer)
    session.put_classes(layer, ("disc",))
    layer.contrast_limits = (1, 2)
    assert session.notes.text("scores") == "you: disc"
    assert session._shows(layer, info)
    session.open_index(1)
    until(lambda: session.image.name == "disc-1")
    assert session.image_layer == layer
    assert layer.name == "disc-1"
    assert session.person_classes is None
    assert session.notes.text("scores") == ""
    assert tuple(layer.contrast_limits) != (1, 2)
    assert "disc-1" in workbench.data.facts.text()
    assert not session._shows(layer, info)  # an answer about the image before comes too late


def test_labels_of_the_next_image_go_to_its_own_journal(workbench, pictures, until) -> None:
    session, schema = workbench.session, LabelSchema.from_names(["disc"], first_value=1)
    session.open_path(pictures)
    until(lambda: session.image is not None and not session.lane.is_busy)
    digests = []
    for index in (0, 1):
        session.open_index(index)
        until(lambda index=index: session.image.name == f"disc-{index}" and not session.lane.is_busy)
        session.begin_labels(schema)
        session.painting.apply(session.labels_layer, np.array([3, 4]), 1)
        until(lambda: not session.lane.is_busy)
        state = session.painting.state(session.labels_layer)
        digests.append(state.image.source.digest)
        assert len(StrokeHistory(state.folder, state.image.source.digest).moments()) == 1
        assert state.image.source.digest == session.image.source.digest
    assert digests[0] != digests[1]


@pytest.fixture
def predicted(tmp_path) -> Any:
    """A project of three small volumes, each with a model's labels."""
    schema = LabelSchema.from_names(["bright"], first_value=1)
    project = Project.create(tmp_path / "study", name="study", task=Task.SEGMENT, classes=schema)
    for seed in range(3):
        write_image(volume(f"v{seed}", (6, 40, 50), 0, seed), tmp_path / f"v{seed}.nii.gz")
        read = with_digest(read_image(tmp_path / f"v{seed}.nii.gz"))
        case = project.add_case(FileRef(tmp_path / f"v{seed}.nii.gz"), image_digest=read.source.digest)
        found = Segmentation((np.asarray(read.data) > 700 + 50 * seed).astype(np.uint8), read.geometry, schema)
        entry = PredictionEntry(case_id=case.case_id, model="bright", created=now_utc())
        project.save_prediction(entry, write_labels=partial(write_segmentation, found))
    return project.folder


def test_labels_of_the_next_case_are_shown_in_the_same_layer_and_kept_apart(workbench, predicted, until) -> None:
    session = workbench.session
    session.open_path(predicted)
    until(lambda: session.labels_layer is not None and not session.lane.is_busy)
    layer = session.labels_layer

    def show(index: int) -> np.ndarray:
        name = session.work.items[index].name
        session.open_index(index)
        until(lambda: session.work.current == index and session.image.name in name and session.labels_layer is not None)
        until(lambda: not session.lane.is_busy)
        return session.labels_layer.data.copy()

    first = session.labels_layer.data.copy()
    session.painting.apply(layer, np.arange(30), 1)
    drawn, digest = layer.data.copy(), session.image.source.digest
    assert (drawn != first).any()
    second = show(1)
    assert session.labels_layer == layer
    assert len(session.viewer.layers) == 2
    assert not session.painting.is_dirty(layer)
    session.undo()  # nothing of the case before can be taken back here
    np.testing.assert_array_equal(session.labels_layer.data, second)
    state = session.painting.state(layer)
    assert state.image.source.digest == session.image.source.digest != digest
    session.painting.apply(layer, np.arange(60, 64), 1)
    assert len(StrokeHistory(state.folder, digest).moments()) == 1
    assert [step.n_vox for step in StrokeHistory(state.folder, state.image.source.digest).moments()] == [4]
    third = show(2)
    assert not np.array_equal(third, second)
    np.testing.assert_array_equal(show(0), drawn)  # unsaved painting comes back
    assert session.painting.is_dirty(session.labels_layer)
    assert session.undo()
    np.testing.assert_array_equal(session.labels_layer.data, first)


def test_labels_that_somebody_still_works_for_keep_their_layer(workbench, predicted, until) -> None:
    session = workbench.session
    session.open_path(predicted)
    until(lambda: session.labels_layer is not None and not session.lane.is_busy)
    layer = session.labels_layer
    session.helpers.append(lambda: True)
    session.open_index(1)
    until(lambda: session.labels_layer is not None and session.labels_layer != layer)
    assert layer not in session.viewer.layers
