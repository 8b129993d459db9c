"""Where the objects are, as boxes."""

from __future__ import annotations

import numpy as np

from napari_medclf.domain.events import Job, Progress
from napari_medclf.domain.output_spec import OutputSpec
from napari_medclf.engine.answers.inference import Answer, Inference
from napari_medclf.engine.detection.found import Found
from napari_medclf.engine.detection.home import restore_boxes
from napari_medclf.engine.detection.suppress import suppress
from napari_medclf.engine.detection.windows import find_boxes

MOST_BOXES = 300
"""Kept of an image, as MONAI's and torchvision's box selectors have it."""


def answer_boxes(inference: Inference) -> Job[Answer]:
    """Find the objects, and place their boxes on the image's own grid."""
    card, prepared = inference.card, inference.prepared
    found = yield from find_boxes(prepared.data, inference.network, inference.window, inference.device, card.output)
    yield Progress(0, 0, "Merging the boxes")
    kept = suppress(_above_thresholds(found, card.output), card.output.nms_iou, MOST_BOXES)
    home = Found(restore_boxes(kept.boxes, prepared.grid), kept.scores, kept.classes)
    is_cut = len(kept) == MOST_BOXES and len(found) > MOST_BOXES
    notes = (f"Only the {MOST_BOXES} best boxes were kept.",) if is_cut else ()
    detection = home.to_detection(
        inference.image.geometry,
        card.schema_,
        source_digest=inference.image.source.digest,
        name=card.name,
        notes=notes,
    )
    return Answer(detection=detection, warnings=notes)


def _above_thresholds(found: Found, output: OutputSpec) -> Found:
    """Leave out boxes that score less than their class needs."""
    needed = np.array([output.thresholds.get(name, output.smallest_score) for name in output.schema_.names])
    return found.take(np.asarray(found.scores >= needed[found.classes]))
