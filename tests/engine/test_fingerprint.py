"""What a network says about the phantom: the same each time, and also of networks that take their whole patch only."""

from __future__ import annotations

import pytest
import torch

from napari_medclf.domain.card import ModelCard, NetworkSpec, Task
from napari_medclf.domain.errors import CardError
from napari_medclf.domain.input_spec import InputSpec, Intensity
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.output_spec import OutputSpec
from napari_medclf.engine.fingerprint import check_fingerprint, compute_fingerprint
from napari_medclf.engine.networks import build_network

_LEVELS = 6
"""Halvings in the plane, so that 32 voxels come to nothing and 64 to one."""


def card(patch_vox: tuple[int, ...]) -> ModelCard:
    arguments = {
        "spatial_dims": 3,
        "in_channels": 1,
        "out_channels": 2,
        "channels": [2] * (_LEVELS + 1),
        "strides": [1, *[[1, 2, 2]] * _LEVELS],
        "blocks": [1] * (_LEVELS + 1),
    }
    spec = InputSpec(
        spatial_dims=3, channels=("gray",), intensity=Intensity(kind="none"), patch_vox=patch_vox, divisible_by=2
    )
    return ModelCard(
        name="flat",
        version="1",
        task=Task.SEGMENT,
        title="Flat voxels",
        description="For tests.",
        input=spec,
        output=OutputSpec(schema=LabelSchema.from_names(["organ"], first_value=1)),
        network=NetworkSpec(target="napari_medclf.engine.nets.ResidualUNet", arguments=arguments),
        licence="BSD-3-Clause",
    )


def test_network_that_takes_its_whole_patch_only_has_a_fingerprint():
    torch.manual_seed(0)
    model = card((4, 64, 64))
    network = build_network(model.network)
    known = model.model_copy(update={"fingerprint": compute_fingerprint(model, network)})
    check_fingerprint(known, network)
    with torch.no_grad():
        network.heads[-1].weight += 0.1
    with pytest.raises(CardError, match="damaged or belong to another model"):
        check_fingerprint(known, network)


def test_network_that_does_not_take_its_patch_is_refused():
    model = card((4, 34, 34))
    with pytest.raises(CardError, match="cannot take a patch"):
        compute_fingerprint(model, build_network(model.network))
