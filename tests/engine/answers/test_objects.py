"""Objects are told apart on the blended image, in the way the card says, and come home as numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from napari_medclf.domain.card import ModelCard, NetworkSpec, Task
from napari_medclf.domain.geometry import Geometry
from napari_medclf.domain.image import MedImage
from napari_medclf.domain.input_spec import InputSpec, Intensity
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.output_spec import OutputSpec
from napari_medclf.domain.results import Segmentation
from napari_medclf.domain.run_settings import RunSettings
from napari_medclf.engine.answers.inference import Inference
from napari_medclf.engine.answers.objects import answer_objects
from napari_medclf.engine.prepare import prepare
from napari_medclf.jobs.drive import drive
from napari_medclf.testing.touching import DISCS_SHAPE, TOUCHING_DISCS, count_matches, paint_balls

_TRUTH = paint_balls(DISCS_SHAPE, TOUCHING_DISCS)


def _card(instances: str, **spec: Any) -> ModelCard:
    given: dict[str, Any] = {
        "spatial_dims": 2,
        "channels": ("gray",),
        "intensity": Intensity(kind="window", low=0, high=1),
        "patch_vox": (24, 24),
    }
    return ModelCard(
        name="cells",
        version="1",
        task=Task.INSTANCES,
        title="Cells",
        description="For tests.",
        licence="CC0-1.0",
        input=InputSpec(**(given | spec)),
        output=OutputSpec(schema=LabelSchema.from_names(["cell"], first_value=1), instances=instances),
        network=NetworkSpec(target="none"),
    )


def _image(samples: np.ndarray) -> MedImage:
    return MedImage(samples.astype(np.float32), Geometry.flat(*samples.shape[1:]), "cells")


def _run(card: ModelCard, image: MedImage, network: Any) -> Segmentation:
    inference = Inference(card, network, torch.device("cpu"), image, prepare(image, card.input), RunSettings())
    outcome = drive(answer_objects(inference))
    if outcome.error is not None:
        raise outcome.error
    assert outcome.result is not None
    assert outcome.result.segmentation is not None
    return outcome.result.segmentation


def _two_channels(windows: torch.Tensor) -> torch.Tensor:
    score = 20 * (windows - 0.5)
    return torch.cat([-score, score], dim=1)


@pytest.mark.parametrize("patch_vox", [(24, 24), (32, 16), (96, 96)])
def test_object_on_the_border_of_windows_is_one(patch_vox: tuple[int, int]) -> None:
    found = _run(_card("distance", patch_vox=patch_vox), _image((_TRUTH > 0)[None]), _two_channels)
    assert found.is_instances
    assert found.labels.max() == len(TOUCHING_DISCS)
    assert count_matches(found.labels[0], _TRUTH) == len(TOUCHING_DISCS)


def test_card_without_splitting_counts_what_hangs_together() -> None:
    found = _run(_card("components"), _image((_TRUTH > 0)[None]), _two_channels)
    assert found.labels.max() == 4


def test_flows_are_followed_on_the_models_grid_and_come_home() -> None:
    """The picture is stored at half its size; the network sees it at full size and points to centres there."""

    def point_to_centres(windows: torch.Tensor) -> torch.Tensor:
        assert windows.shape[2:] == DISCS_SHAPE
        places = np.indices(DISCS_SHAPE).astype(np.float32)
        towards = np.zeros((2, *DISCS_SHAPE), dtype=np.float32)
        for number, (centre, _) in enumerate(TOUCHING_DISCS, start=1):
            offset = np.array(centre, dtype=np.float32).reshape(2, 1, 1) - places
            towards = np.where(number == _TRUTH, offset / np.maximum(np.linalg.norm(offset, axis=0), 1), towards)
        score = np.where(_TRUTH > 0, 9.0, -9.0)[None]
        return torch.from_numpy(np.concatenate([score, towards])[None].astype(np.float32))

    half = _image((_TRUTH[::2, ::2] > 0)[None])
    card = _card("flows", patch_vox=DISCS_SHAPE, resize_to=DISCS_SHAPE)
    found = _run(card, half, point_to_centres)
    assert found.labels.shape == (1, 40, 45)
    assert sorted(np.unique(found.labels)) == list(range(len(TOUCHING_DISCS) + 1))
    assert count_matches(found.labels[0], _TRUTH[::2, ::2], smallest_iou=0.6) == len(TOUCHING_DISCS)
