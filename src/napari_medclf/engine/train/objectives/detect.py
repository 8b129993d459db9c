"""Learn to find objects as boxes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Generator, Tensor, nn

from napari_medclf.domain.arrays import FloatArray
from napari_medclf.domain.card import ModelCard
from napari_medclf.domain.detection import Detection
from napari_medclf.domain.errors import CardError
from napari_medclf.domain.events import Job, Progress
from napari_medclf.domain.geometry import Geometry
from napari_medclf.domain.recipe import Recipe
from napari_medclf.engine.augment.box_sampler import BoxSampler
from napari_medclf.engine.detection.anchors import anchor_halves, level_anchors
from napari_medclf.engine.detection.found import Found
from napari_medclf.engine.detection.suppress import suppress
from napari_medclf.engine.detection.windows import find_boxes
from napari_medclf.engine.metrics.box_matches import ClassMatches, match_boxes
from napari_medclf.engine.metrics.detection import best_f1_score, statistic_of_boxes
from napari_medclf.engine.nets.retina_detector import strides_of
from napari_medclf.engine.sliding.window import Window
from napari_medclf.engine.train.batch import Batch
from napari_medclf.engine.train.cases import TrainCase
from napari_medclf.engine.train.losses.boxes import detection_loss
from napari_medclf.engine.train.objectives.base import SCORE, device_of, float_answers

if TYPE_CHECKING:
    from monai.apps.detection.utils.ATSS_matcher import ATSSMatcher

_N_CANDIDATES = 4
"""Places a level among which a box looks for its anchors, as MONAI's detector has it."""
_VALIDATION_SEED = 20_170


class Detect:
    """Boxes of a RetinaNet: anchors are matched by ATSS (Zhang 2020, MONAI's), classes learned with focal loss.

    Parameters
    ----------
    draft : ModelCard
        Its network is a `RetinaDetector`, whose arguments say where the anchors are.
    train, val : sequence of TrainCase
        With targets as `domain.results.Sample` has them for detection.

    Raises
    ------
    CardError
        If the network is another one, or the patch does not fit its pyramid.
    """

    def __init__(self, draft: ModelCard, recipe: Recipe, train: Sequence[TrainCase], val: Sequence[TrainCase]) -> None:
        self._card, self._recipe, self._val = draft, recipe, val
        self._centres, self._sizes, self._n_of_level = place_anchors(draft)
        self._n_shapes = len(draft.network.arguments["base_anchor_shapes"])
        self._sampler = BoxSampler(train, recipe)
        self._fixed = BoxSampler(val, recipe)
        self._matcher = _matcher()

    def n_batches(self) -> int:
        """Batches an epoch."""
        return self._sampler.n_batches()

    def batches(self, generator: Generator) -> Iterator[Batch]:
        """Draw windows with their boxes, changed at random."""
        return self._sampler.batches(generator)

    def loss(self, network: nn.Module, batch: Batch) -> Tensor:
        """Focal loss of classes and GIoU of boxes."""
        assert not isinstance(batch.targets, Tensor)
        rows = float_answers(network, batch.images)[0]
        n_classes = len(self._card.schema_)
        return detection_loss(rows, batch.targets, self._match, n_classes, self._recipe.loss.focal_gamma)

    def validate(self, network: nn.Module) -> Job[dict[str, float]]:
        """Loss, FROC and average precision; the mean of that at an IoU of 0.1 and of 0.5 decides, then the loss."""
        loss = yield from self._validation_loss(network)
        matches = yield from self._matches(network)
        scores = statistic_of_boxes(matches)(np.arange(len(matches)))
        shown = {name: value for name, value in scores.items() if name.partition("/")[0] in _SHOWN}
        values = {f"val/{name}": value for name, value in shown.items() if value == value} | {"val/loss": loss}
        values[SCORE] = float(np.nan_to_num([scores["map10"], scores["map50"]]).mean()) - 1e-3 * loss
        return values

    def finish(self, network: nn.Module, card: ModelCard) -> Job[ModelCard]:
        """Choose for every class the score from which its boxes are shown: the best F1 on validation, else a half."""
        matches = yield from self._matches(network)
        best = {name: best_f1_score([one[name] for one in matches]) for name in card.schema_.names}
        thresholds = {name: 0.5 if score is None else score for name, score in best.items()}
        output = card.output.model_copy(update={"thresholds": thresholds})
        return card.model_copy(update={"output": output})

    def _match(self, boxes: Tensor) -> Tensor:
        """Give each anchor the number of its box; below 0 for none."""
        centres, half = self._centres.to(boxes.device), self._sizes.to(boxes.device) / 2
        anchors = torch.cat([centres - half, centres + half], dim=1)
        with torch.no_grad():
            found: Tensor = self._matcher.compute_matches(boxes, anchors, self._n_of_level, self._n_shapes)[1]
        return found

    def _validation_loss(self, network: nn.Module) -> Job[float]:
        generator = torch.Generator().manual_seed(_VALIDATION_SEED)
        device, losses = device_of(network), []
        for batch in self._fixed.fixed(generator):
            with torch.inference_mode():
                losses.append(float(self.loss(network, batch.to(device))))
            yield Progress(len(losses), self._fixed.n_batches(), "Validating")
        return float(np.mean(losses))

    def _matches(self, network: nn.Module) -> Job[list[Mapping[str, ClassMatches]]]:
        """Run the network over the validation images as in use, and compare."""
        output, spec = self._card.output, self._recipe.input
        window = Window(spec.patch_vox, overlap=spec.overlap, divisible_by=spec.divisible_by)
        device = device_of(network)
        matches: list[Mapping[str, ClassMatches]] = []
        for case in self._val:
            image = case.sample.image
            data = image[:, np.newaxis] if image.ndim == 3 else image
            found = suppress((yield from find_boxes(data, network, window, device, output)), output.nms_iou)
            truth = _truth(np.asarray(case.sample.target, dtype=np.float64), spec.spatial_dims)
            matches.append(match_boxes(self._detection(truth, data), self._detection(found, data)))
            yield Progress(len(matches), len(self._val), "Validating")
        return matches

    def _detection(self, found: Found, data: FloatArray) -> Detection:
        return found.to_detection(Geometry.from_spacing(data.shape[1:]), self._card.schema_)


_SHOWN = ("map50", "map10", "froc", "ap50")


def place_anchors(draft: ModelCard) -> tuple[Tensor, Tensor, list[int]]:
    """Place the anchors of a card's network in its patch.

    Returns
    -------
    centres, sizes : (anchors, dims) float32
        In the order of the network's answers.
    n_of_level : list of int
        Places of each level.

    Raises
    ------
    CardError
        If the network is no `RetinaDetector`, or its pyramid does not divide the patch.
    """
    arguments, patch = draft.network.arguments, draft.input.patch_vox
    if not draft.network.target.endswith(".RetinaDetector"):
        raise CardError(
            f"The network {draft.network.target} cannot be trained to find boxes; RetinaDetector can, which the recipe "
            "retinanet plans."
        )
    strides = strides_of(arguments.get("returned_layers", (2, 3)))
    uneven = [size for size in patch if size % strides[-1]]
    if uneven:
        raise CardError(f"A patch of {uneven[0]} voxels does not fit the network; take a multiple of {strides[-1]}.")
    halves = anchor_halves(arguments["feature_map_scales"], arguments["base_anchor_shapes"])
    shapes = [[size // stride for size in patch] for stride in strides]
    placed = [level_anchors(half, shape, patch) for half, shape in zip(halves, shapes, strict=True)]
    centres, sizes = (torch.cat(parts) for parts in zip(*placed, strict=True))
    return centres, sizes, [int(np.prod(shape)) for shape in shapes]


def _matcher() -> ATSSMatcher:
    from monai.apps.detection.utils.ATSS_matcher import ATSSMatcher
    from monai.data.box_utils import box_iou

    # Small objects often hold no anchor's centre.
    return ATSSMatcher(_N_CANDIDATES, box_iou, center_in_gt=False)


def _truth(rows: FloatArray, spatial_dims: int) -> Found:
    boxes = rows[:, :-1].reshape(-1, 2, spatial_dims)
    if spatial_dims == 2:
        slices = np.broadcast_to(np.array([-0.5, 0.5])[:, np.newaxis], (len(boxes), 2, 1))
        boxes = np.concatenate([slices, boxes], axis=2)
    return Found(boxes, np.ones(len(rows)), rows[:, -1].astype(np.int64))
