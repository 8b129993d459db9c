"""Numbers of an answer change where it is flipped or of another image, and stay where only the grid differs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from napari_medclf.domain.geometry import Geometry
from napari_medclf.domain.image import ChannelKind, MedImage
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.results import Prediction, Segmentation
from napari_medclf.engine.triage.traits import traits_of

SCHEMA = LabelSchema.from_names(["head", "tail"], first_value=1)


def _geometry(shape: tuple[int, int, int]) -> Geometry:
    affine = np.eye(4)
    affine[:3, :3] = np.array([[0, 0, 1.0], [0, 1.5, 0], [3.0, 0, 0]])  # columns are k, j, i: axial slices
    return Geometry(affine, shape)


def _volume() -> tuple[MedImage, Segmentation]:
    """A bright pear that leans, on noise."""
    k, j, i = np.indices((12, 20, 28))
    distance = ((k - 5) / 3) ** 2 + ((j - 8 - 0.5 * (k - 5)) / 5) ** 2 + ((i - 10) / (4 + 0.3 * j)) ** 2
    labels = np.where(distance < 1, np.where(j < 8, 1, 2), 0).astype(np.uint8)
    noise = np.random.default_rng(0).normal(0, 1, labels.shape)
    samples = (gaussian_filter(noise, 1) * 20 + 100 * (labels > 0)).astype(np.float32)
    geometry = _geometry(samples.shape)
    return MedImage(samples, geometry, "pear", modality="MR"), Segmentation(labels, geometry, SCHEMA)


def _said(segmentation: Segmentation | None) -> Prediction:
    return Prediction(model="m", model_version="1", image_name="pear", segmentation=segmentation)


def _traits(image: MedImage, segmentation: Segmentation | None) -> dict[str, float]:
    return traits_of(image, _said(segmentation))


def test_every_number_is_finite_and_says_of_what_it_is() -> None:
    image, labels = _volume()
    traits = _traits(image, labels)
    assert all(np.isfinite(value) for value in traits.values())
    assert {name.partition(":")[0] for name in traits} == {"look", "shape", "pieces", "fit"}
    assert {"shape:offset_j:head", "pieces:count:tail", "shape:place_k", "fit:edge:head"} <= set(traits)


def test_outline_on_edges_is_told_from_a_flipped_one() -> None:
    image, labels = _volume()
    flipped = replace(labels, labels=np.ascontiguousarray(labels.labels[:, :, ::-1]))
    assert _traits(image, labels)["fit:edge"] > _traits(image, flipped)["fit:edge"] + 0.5


@pytest.mark.parametrize(("axis", "name"), [(0, "skew_k"), (1, "tilt_kj"), (2, "skew_i")])
def test_flip_changes_the_sign_of_tilt_or_skew(axis: int, name: str) -> None:
    image, labels = _volume()
    flipped = replace(labels, labels=np.ascontiguousarray(np.flip(labels.labels, axis)))
    before, after = _traits(image, labels)[f"shape:{name}"], _traits(image, flipped)[f"shape:{name}"]
    assert after == pytest.approx(-before, abs=0.02)


def test_same_voxels_stored_in_another_order_have_the_same_numbers() -> None:
    image, labels = _volume()
    order, flips = (2, 0, 1), (True, False, True)
    geometry = image.geometry.permuted(order, flips)

    def turned(values: np.ndarray) -> np.ndarray:
        axes = [axis for axis, flip in enumerate(flips) if flip]
        return np.ascontiguousarray(np.flip(values.transpose(order), axes))

    stored = replace(image, data=turned(image.data), geometry=geometry)
    said = replace(labels, labels=turned(labels.labels), geometry=geometry)
    expected = _traits(image, labels)
    found = _traits(stored, said)
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, abs=1e-4), name


def test_volume_on_a_finer_grid_has_nearly_the_same_form() -> None:
    image, labels = _volume()
    fine = image.geometry.resampled((12, 40, 56))
    twice = replace(image, data=image.data.repeat(2, axis=1).repeat(2, axis=2), geometry=fine)
    said = replace(labels, labels=labels.labels.repeat(2, axis=1).repeat(2, axis=2), geometry=fine)
    expected, found = _traits(image, labels), _traits(twice, said)
    for name in ("shape:place_j", "shape:extent_i", "shape:tilt_kj", "shape:elongation", "pieces:count"):
        assert found[name] == pytest.approx(expected[name], abs=0.03), name


def test_scanner_units_do_not_matter_but_inverting_does() -> None:
    image, _ = _volume()
    plain = _traits(image, None)
    scaled = _traits(replace(image, data=image.data * 40), None)
    inverted = _traits(replace(image, data=-image.data), None)
    names = [name for name in plain if "level" in name or "cell" in name]
    assert max(abs(plain[name] - scaled[name]) for name in names) < 1e-4
    assert max(abs(plain[name] - inverted[name]) for name in names) > 0.2


def test_empty_answer_and_constant_image_have_the_looks_only() -> None:
    image, labels = _volume()
    empty = replace(labels, labels=np.zeros_like(labels.labels))
    traits = _traits(replace(image, data=np.full_like(image.data, 7)), empty)
    assert all(name.startswith("look:") and np.isfinite(value) for name, value in traits.items())


def test_objects_are_described_together() -> None:
    numbers = np.zeros((1, 60, 90), np.uint16)
    for number, (row, column) in enumerate([(5, 5), (20, 40), (40, 70)], start=1):
        numbers[0, row : row + 6, column : column + 12] = number
    geometry = Geometry.flat(60, 90)
    schema = LabelSchema.from_names(["cell"], first_value=1)
    said = Segmentation(numbers, geometry, schema, is_instances=True)
    image = MedImage((numbers > 0).astype(np.float32), geometry, "cells")
    traits = _traits(image, said)
    assert traits["size:object"] == pytest.approx(np.log(72))
    assert traits["size:covered"] == pytest.approx(3 * 72 / 5400)
    assert traits["shape:object_sides"] == pytest.approx(np.log(2))


def test_inverted_colours_are_far_where_gray_looks_alike() -> None:
    drawn = np.random.default_rng(0)
    gray = drawn.integers(60, 200, (1, 20, 28)).astype(np.uint8)
    purple = np.stack([gray, gray // 2, gray])
    geometry = Geometry(np.eye(4), gray.shape)
    image = MedImage(purple, geometry, "stained", channel_kind=ChannelKind.COLOUR)
    own, other = (traits_of(one, _said(None)) for one in (image, replace(image, data=255 - purple)))
    assert own["look:tint_red"] > 0.2
    assert other["look:tint_red"] < -0.2
    assert traits_of(MedImage(gray, geometry, "gray"), _said(None))["look:tint_red"] == 0
