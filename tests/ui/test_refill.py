"""A layer that shows the next image is as a new one would be, and nothing said about the one before sticks to it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from napari_medclf.bridge.layers import image_layer
from napari_medclf.domain.geometry import Geometry
from napari_medclf.domain.image import MedImage
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.store.strokes.history import StrokeHistory
from napari_medclf.ui import viewer_link
from napari_medclf.ui.refill import can_refill, refill

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
