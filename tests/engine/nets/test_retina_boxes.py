"""Boxes of a RetinaNet with random weights, against MONAI's own detector on the same ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from napari_medclf.domain.card import NetworkSpec
from napari_medclf.domain.errors import CardError
from napari_medclf.engine.nets.resnet_fpn import resnet_fpn_feature_extractor
from napari_medclf.engine.nets.retina_boxes import RetinaBoxes
from napari_medclf.engine.networks import build_network

_SCALES = (1, 2, 4)
_SHAPES = ((6, 8, 4), (8, 6, 5), (10, 10, 6))
_BACKBONE = {
    "_target_": "monai.networks.nets.ResNet",
    "block": "basic",
    "layers": [1, 1, 1, 1],
    "block_inplanes": [8, 16, 32, 64],
    "spatial_dims": 3,
    "n_input_channels": 1,
    "conv1_t_stride": [2, 2, 1],
    "conv1_t_size": [7, 7, 7],
}
_SPEC = NetworkSpec(
    target="monai.apps.detection.networks.retinanet_network.RetinaNet",
    arguments={
        "spatial_dims": 3,
        "num_classes": 2,
        "num_anchors": 3,
        "size_divisible": [16, 16, 8],
        "feature_extractor": {
            "_target_": "monai.apps.detection.networks.retinanet_network.resnet_fpn_feature_extractor",
            "_args_": [_BACKBONE, 3, False, [1, 2], None],
        },
    },
)


@pytest.fixture(scope="module")
def network() -> Any:
    torch.manual_seed(3)
    made = build_network(_SPEC).eval()
    with torch.no_grad():
        for parameter in made.classification_head.parameters():
            parameter.mul_(3)  # scores that differ
        for parameter in made.regression_head.parameters():
            parameter.mul_(2)  # boxes that leave their anchors
    return made


def _theirs(network: Any, image: torch.Tensor) -> dict[str, torch.Tensor]:
    from monai.apps.detection.networks.retinanet_detector import RetinaNetDetector
    from monai.apps.detection.utils.anchor_utils import AnchorGeneratorWithAnchorShape

    detector = RetinaNetDetector(network, AnchorGeneratorWithAnchorShape(_SCALES, _SHAPES)).eval()
    detector.set_target_keys(box_key="box", label_key="label")
    detector.set_box_selector_parameters(
        score_thresh=0.0, topk_candidates_per_level=100_000, nms_thresh=1.0, detections_per_img=100_000
    )
    with torch.no_grad():
        return detector([image[0]], use_inferer=False)[0]


def test_boxes_and_scores_are_those_of_monais_detector(network: Any) -> None:
    image = torch.randn(1, 1, 32, 48, 24)
    with torch.no_grad():
        rows = RetinaBoxes(network, _SCALES, _SHAPES)(image)[0]
    theirs = _theirs(network, image)
    inside = rows[:, 2:].clamp(min=0).minimum(torch.tensor([32.0, 48.0, 24.0] * 2))
    kept = (inside[:, 3:] > inside[:, :3]).all(dim=1)  # MONAI clips boxes to the image and drops what is left empty
    ours = np.array(
        [
            (*box, score, label)
            for label in range(2)
            for box, score in zip(inside[kept].tolist(), rows[kept, label].sigmoid().tolist(), strict=True)
        ]
    )
    found = np.column_stack([theirs["box"].numpy(), theirs["label_scores"].numpy(), theirs["label"].numpy()])
    assert len(found) > 100
    for row in found[:: max(1, len(found) // 300)]:
        assert np.abs(ours - row).max(axis=1).min() < 1e-3


def test_pyramid_has_the_parameters_of_monais_own() -> None:
    names = list(build_network(_SPEC).state_dict())
    assert any(name.startswith("feature_extractor.body.layer2.0.conv1.weight") for name in names)
    assert any(name.startswith("feature_extractor.fpn.inner_blocks.0") for name in names)
    assert not any("layer3" in name for name in names)


def test_maps_that_do_not_fit_the_anchors_are_an_error(network: Any) -> None:
    with pytest.raises(ValueError, match="3 feature maps for the anchors of 2"):
        RetinaBoxes(network, _SCALES[:2], _SHAPES)(torch.zeros(1, 1, 16, 16, 8))


def test_features_of_a_stage_that_is_not_there_are_refused() -> None:
    with pytest.raises(CardError, match="stages 1 to 4"):
        resnet_fpn_feature_extractor(torch.nn.Sequential(), 3, returned_layers=[5])
