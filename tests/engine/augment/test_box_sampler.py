"""Boxes stay around their objects, however a window is taken."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_medclf.domain.card import NetworkSpec
from napari_medclf.domain.input_spec import InputSpec, Intensity
from napari_medclf.domain.recipe import AugmentSettings, Recipe
from napari_medclf.domain.results import Sample
from napari_medclf.engine.augment.box_sampler import BoxSampler, move_boxes
from napari_medclf.engine.train.cases import TrainCase


def _recipe(patch: tuple[int, ...], **changes) -> Recipe:
    spec = InputSpec(spatial_dims=len(patch), channels=("gray",), intensity=Intensity(kind="none"), patch_vox=patch)
    return Recipe(network=NetworkSpec(target="none"), input=spec, **({"batch": 4, "foreground": 1.0} | changes))


def _case(shape: tuple[int, ...], boxes: list[list[int]], first: int = 0) -> TrainCase:
    """Each object is bright in a channel of its own; boxes hold whole voxels (first, last) of each axis."""
    image = np.zeros((max(len(boxes), 1), *shape), np.float32)
    rows = []
    n = len(shape)
    for number, box in enumerate(boxes):
        image[(number, *(slice(low, high + 1) for low, high in zip(box[:n], box[n:], strict=True)))] = 1
        rows.append([*(low - 0.5 for low in box[:n]), *(high + 0.5 for high in box[n:]), number])
    target = np.array(rows, np.float32).reshape(-1, 2 * n + 1)
    return TrainCase(f"case-{first}", f"patient-{first}", Sample(image, target))


@pytest.mark.parametrize(
    "augment",
    [
        AugmentSettings(),
        AugmentSettings(flip_axes=(0, 1), quarter_turns=True),
        AugmentSettings(flip_axes=(0,), scale=0.3, stretch=0.2),
    ],
    ids=["as they are", "flipped and turned", "scaled"],
)
def test_every_box_lies_around_its_own_object(augment):
    case = _case((40, 56), [[5, 8, 16, 13], [20, 30, 25, 47]])
    sampler = BoxSampler([case], _recipe((48, 64), augment=augment, samples_per_epoch=16))
    n_seen = 0
    for batch in sampler.batches(torch.Generator().manual_seed(1)):
        for image, target in zip(batch.images, batch.targets, strict=True):
            for box, number in zip(target["boxes"], target["classes"], strict=True):
                found = torch.nonzero(image[number] > 0.5)
                edges = torch.cat([found.amin(0) - 0.5, found.amax(0) + 0.5])
                assert (box - edges).abs().max() < 1.6
                n_seen += 1
    assert n_seen >= 20


def test_volume_has_boxes_with_six_sides():
    case = _case((12, 20, 28), [[2, 3, 4, 6, 9, 15]])
    sampler = BoxSampler([case], _recipe((16, 16, 16)))
    (batch,) = sampler.fixed(torch.Generator().manual_seed(0))
    (target,) = batch.targets
    inside = torch.nonzero(batch.images[0, 0] > 0.5)
    assert target["boxes"].tolist() == [[*(inside.amin(0) - 0.5).tolist(), *(inside.amax(0) + 0.5).tolist()]]


def test_box_that_lies_mostly_outside_is_left_out():
    boxes = torch.tensor([[0.0, 0.0, 10.0, 10.0], [28.0, 0.0, 40.0, 10.0]])
    moved, is_kept = move_boxes(boxes, torch.tensor([16.0, 16.0]), torch.eye(2), (32, 32))
    assert is_kept.tolist() == [True, False]
    assert moved[0].tolist() == [0, 0, 10, 10]


def test_image_smaller_than_the_window_begins_with_it_as_in_use():
    case = _case((10, 12), [[2, 3, 6, 8]])
    (batch,) = BoxSampler([case], _recipe((32, 32))).fixed(torch.Generator().manual_seed(0))
    assert batch.targets[0]["boxes"].tolist() == [[1.5, 2.5, 6.5, 8.5]]


def test_image_without_boxes_teaches_that_there_are_none():
    (batch,) = BoxSampler([_case((40, 40), [])], _recipe((32, 32))).fixed(torch.Generator().manual_seed(0))
    assert batch.targets[0]["boxes"].shape == (0, 4)


def test_same_generator_gives_the_same_epoch():
    case = _case((40, 56), [[5, 8, 16, 13]])
    sampler = BoxSampler([case], _recipe((32, 32), augment=AugmentSettings(scale=0.2, gain=0.2)))
    first, second = (list(sampler.batches(torch.Generator().manual_seed(5))) for _ in range(2))
    assert torch.equal(first[0].images, second[0].images)
    assert torch.equal(first[0].targets[0]["boxes"], second[0].targets[0]["boxes"])
