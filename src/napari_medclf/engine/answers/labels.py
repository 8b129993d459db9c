"""Which class every voxel has."""

from __future__ import annotations

import numpy as np

from napari_medclf.domain.arrays import FloatArray, LabelArray
from napari_medclf.domain.events import Job, Progress
from napari_medclf.domain.results import Segmentation
from napari_medclf.engine.answers.inference import Answer, Inference, check_logits
from napari_medclf.engine.decide import activate, decide_labels, remove_small_objects, values_of_channels
from napari_medclf.engine.sliding.slide import slide_whole


def answer_labels(inference: Inference) -> Job[Answer]:
    """Label every voxel of the image's own grid."""
    logits = yield from slide_whole(inference.prepared.data, inference.network, inference.window, inference.device)
    check_logits(logits, inference)
    yield Progress(0, 0, "Bringing the result to the image's grid")
    return Answer(
        segmentation=Segmentation(
            labels=_label(logits, inference),
            geometry=inference.image.geometry,
            schema=inference.card.schema_,
            source_digest=inference.image.source.digest,
            name=inference.card.name,
        )
    )


def _label(logits: FloatArray, inference: Inference) -> LabelArray:
    output, grid = inference.card.output, inference.prepared.grid
    if output.activation == "softmax" and not output.thresholds:
        if output.temperature != 1:
            logits /= np.float32(output.temperature)
        labels = values_of_channels(output.schema_)[grid.restore_argmax(logits)]
    else:
        activate(logits, output)
        labels = decide_labels(grid.iter_restored(logits), output)
    remove_small_objects(labels, output.schema_, output.min_object_vox * grid.source_vox_per_model_vox)
    return labels
