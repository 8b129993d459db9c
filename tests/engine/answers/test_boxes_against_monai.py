"""A RetinaNet's boxes are those of MONAI's own detector on the same image and weights."""

from __future__ import annotations

import numpy as np
import torch
from monai.apps.detection.networks.retinanet_detector import RetinaNetDetector
from monai.apps.detection.utils.anchor_utils import AnchorGeneratorWithAnchorShape
from torch import Tensor, nn

from napari_medclf.domain.card import ModelCard, NetworkSpec, Task
from napari_medclf.domain.geometry import Geometry
from napari_medclf.domain.image import MedImage
from napari_medclf.domain.input_spec import InputSpec, Intensity
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.output_spec import OutputSpec
from napari_medclf.domain.run_settings import RunSettings
from napari_medclf.engine.answers.boxes import answer_boxes
from napari_medclf.engine.answers.inference import Inference
from napari_medclf.engine.nets.retina_boxes import RetinaBoxes
from napari_medclf.engine.prepare import prepare
from napari_medclf.jobs.drive import drive

_SHAPES = ((6.0, 8.0, 4.0), (10.0, 6.0, 12.0))
_SCALES = (1, 2)
_WINDOW = (24, 32, 40)


class _Pyramid(nn.Module):
    """Two levels of maps, as a RetinaNet answers: scores of two classes, and boxes, for two anchors."""

    spatial_dims, num_classes, num_anchors, size_divisible = 3, 2, 2, 8
    cls_key, box_reg_key = "classification", "box_regression"

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(8)
        self.scores = nn.ModuleList([nn.Conv3d(1, 4, 4, stride=4), nn.Conv3d(1, 4, 8, stride=8)])
        self.boxes = nn.ModuleList([nn.Conv3d(1, 12, 4, stride=4), nn.Conv3d(1, 12, 8, stride=8)])

    def forward(self, x: Tensor) -> dict[str, list[Tensor]]:
        return {
            "classification": [2 * one(x) - 1 for one in self.scores],
            "box_regression": [0.5 * one(x) for one in self.boxes],
        }


def _card() -> ModelCard:
    schema = LabelSchema.from_names(["nodule", "node"], first_value=1)
    return ModelCard(
        name="retina",
        version="1",
        task=Task.DETECT,
        title="A detector",
        description="For tests.",
        licence="CC0-1.0",
        input=InputSpec(
            spatial_dims=3, channels=("gray",), intensity=Intensity(kind="window", low=0, high=1), patch_vox=_WINDOW
        ),
        output=OutputSpec(schema=schema, activation="sigmoid", smallest_score=0.2, nms_iou=0.22),
        network=NetworkSpec(target="none"),
    )


def test_boxes_scores_and_classes_are_those_of_monais_detector() -> None:
    data = np.random.default_rng(6).uniform(0, 1, _WINDOW).astype(np.float32)
    network = _Pyramid().eval()
    detector = RetinaNetDetector(network, AnchorGeneratorWithAnchorShape(_SCALES, _SHAPES)).eval()
    detector.set_box_selector_parameters(
        score_thresh=0.2, topk_candidates_per_level=1000, nms_thresh=0.22, detections_per_img=300
    )
    with torch.no_grad():
        (expected,) = detector(torch.from_numpy(data)[None, None])

    image = MedImage(data, Geometry.from_spacing(_WINDOW, (2.0, 0.8, 0.7)), "noise")
    card = _card()
    boxes = RetinaBoxes(network, _SCALES, _SHAPES).eval()
    inference = Inference(card, boxes, torch.device("cpu"), image, prepare(image, card.input), RunSettings())
    outcome = drive(answer_boxes(inference))
    assert outcome.error is None
    assert outcome.result is not None
    found = outcome.result.detection
    assert found is not None

    # MONAI cuts boxes off at 0 and n, ours at the outer edges of the voxels, -0.5 and n - 0.5: at the rim suppression
    # may decide otherwise.
    inside = (0, np.array(_WINDOW) - 0.5)
    theirs = np.clip(expected["boxes"].numpy().reshape(-1, 2, 3), *inside)
    ours = np.clip(found.boxes, *inside)
    names = [card.schema_.names[int(label)] for label in expected["labels"].numpy()]
    is_other = np.array(names)[:, np.newaxis] != np.array(found.names)
    off_vox = np.abs(theirs[:, np.newaxis] - ours).max(axis=(2, 3)) + 1000 * is_other
    same = off_vox.argmin(axis=1)
    is_close = off_vox.min(axis=1) < 1e-3
    assert len(theirs) > 100
    assert is_close.mean() > 0.95
    scores = expected["labels_scores"].numpy()
    np.testing.assert_allclose(found.scores[same][is_close], scores[is_close], atol=1e-5)
