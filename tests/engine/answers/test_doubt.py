"""Mirrored images and members that vote otherwise are counted, and the labels stay the same."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from napari_medclf.domain.card import ModelCard, NetworkSpec, Task
from napari_medclf.domain.input_spec import InputSpec, Intensity
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.output_spec import OutputSpec
from napari_medclf.domain.run_settings import RunSettings
from napari_medclf.engine.answers.doubt import DoubtingNetwork
from napari_medclf.engine.answers.inference import Answer, Inference
from napari_medclf.engine.answers.labels import answer_labels
from napari_medclf.engine.prepare import prepare
from napari_medclf.engine.sliding.run_batch import run_mirrored
from napari_medclf.engine.sliding.window import Window
from napari_medclf.jobs.drive import drive
from napari_medclf.testing.phantoms import oblique_phantom


class _Leaning(torch.nn.Module):
    """Sees more to its right than to its left, so that mirrored images disagree."""

    def __init__(self, n_members: int = 1) -> None:
        super().__init__()
        self.n_members = n_members

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        ramp = torch.linspace(-0.2, 0.2, x.shape[-1])
        score = 10 * (x + ramp - 0.35)
        return torch.cat([torch.cat([-score, score - 0.1 * n], dim=1) for n in range(self.n_members)], dim=1)


def _card(**output: Any) -> ModelCard:
    return ModelCard(
        name="leaning",
        version="1",
        task=Task.SEGMENT,
        title="A model",
        description="For tests.",
        licence="CC0-1.0",
        input=InputSpec(
            spatial_dims=3,
            channels=("gray",),
            intensity=Intensity(kind="window", low=-1000, high=2000),
            patch_vox=(12, 20, 28),
        ),
        output=OutputSpec(schema=LabelSchema.from_names(["body"], first_value=1), **output),
        network=NetworkSpec(target="none"),
    )


def _run(card: ModelCard, network: torch.nn.Module, *, is_wanted: bool) -> Answer:
    image = oblique_phantom()
    settings = RunSettings(is_uncertainty_wanted=is_wanted)
    inference = Inference(card, network, torch.device("cpu"), image, prepare(image, card.input), settings)
    outcome = drive(answer_labels(inference))
    if outcome.error is not None:
        raise outcome.error
    assert outcome.result is not None
    return outcome.result


@pytest.mark.parametrize("mirror_axes", [(1, 2), (0, 1, 2)])
def test_part_of_mirrored_images_that_disagree_is_told_and_labels_stay(mirror_axes: tuple[int, ...]) -> None:
    card = _card(mirror_axes=mirror_axes)
    plain, doubting = _run(card, _Leaning(), is_wanted=False), _run(card, _Leaning(), is_wanted=True)
    assert plain.uncertainty is None
    assert doubting.uncertainty is not None
    assert doubting.uncertainty.kind == "disagreement"
    assert plain.segmentation is not None
    assert doubting.segmentation is not None
    np.testing.assert_array_equal(plain.segmentation.labels, doubting.segmentation.labels)
    # half of the mirrored images are flipped along the axis along which the network leans
    samples = torch.from_numpy(prepare(oblique_phantom(), card.input).data)[None]
    votes = [_Leaning()(samples)[0].argmax(0), _Leaning()(samples.flip(4)).flip(4)[0].argmax(0)]
    differs = (votes[0] != votes[1]).numpy()
    assert differs.any()
    np.testing.assert_allclose(doubting.uncertainty.values, np.where(differs, 0.5, 0.0), atol=1e-6)


def test_members_of_one_network_vote_each() -> None:
    card = _card(n_members=3)
    doubting = _run(card, _Leaning(3), is_wanted=True)
    assert doubting.uncertainty is not None
    assert doubting.uncertainty.kind == "disagreement"
    assert set(np.unique(np.round(3 * doubting.uncertainty.values, 4))) <= {0.0, 1.0}


def test_two_voters_give_way_to_the_entropy() -> None:
    doubting = _run(_card(mirror_axes=(2,)), _Leaning(), is_wanted=True)
    assert doubting.uncertainty is not None
    assert doubting.uncertainty.kind == "entropy"


def test_mean_of_the_doubting_network_is_that_of_the_usual_walk() -> None:
    windows = torch.from_numpy(np.random.default_rng(3).normal(0, 1, (2, 1, 4, 5, 6)).astype(np.float32))
    flips = Window((4, 5, 6), mirror_axes=(0, 2)).flips
    found = DoubtingNetwork(_Leaning(2), flips, 2)(windows)
    assert torch.equal(found[:, :-1], run_mirrored(_Leaning(2), windows, flips))
    assert found.shape[1] == 5
    assert 0 <= float(found[:, -1].min()) <= float(found[:, -1].max()) <= 1
