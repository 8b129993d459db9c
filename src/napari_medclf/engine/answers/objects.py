"""Which voxels belong to which object."""

from __future__ import annotations

from napari_medclf.domain.arrays import FloatArray, LabelArray
from napari_medclf.domain.events import Job, Progress
from napari_medclf.domain.results import Segmentation
from napari_medclf.engine.answers.inference import Answer, Inference, check_logits
from napari_medclf.engine.background import in_background
from napari_medclf.engine.instances.channels import activate_channels
from napari_medclf.engine.instances.find import find_instances
from napari_medclf.engine.instances.numbers import number_without_gaps
from napari_medclf.engine.sliding.slide import slide_whole
from napari_medclf.engine.triage.mean_doubt import MeanDoubt


def answer_objects(inference: Inference) -> Job[Answer]:
    """Number the objects on the image's own grid.

    Notes
    -----
    Windows are blended before objects are told apart, so that one on the border of two windows is one object. Where
    channels point along axes (flows, hover), objects are told apart on the model grid and brought home as numbers;
    else the probabilities are brought home first, so that outlines follow the image's own voxels.
    """
    card = inference.card
    logits = yield from slide_whole(inference.prepared.data, inference.network, inference.window, inference.device)
    check_logits(logits, inference)
    doubts = _doubts(logits, inference)
    yield Progress(0, 0, "Bringing the result to the image's grid")
    labels = yield from in_background(lambda: _number(logits, inference), "Telling objects apart")
    return Answer(
        segmentation=Segmentation(
            labels=labels,
            geometry=inference.image.geometry,
            schema=card.schema_,
            is_instances=True,
            source_digest=inference.image.source.digest,
            name=card.name,
        ),
        doubts=doubts,
    )


def _doubts(logits: FloatArray, inference: Inference) -> dict[str, float]:
    """Entropy where all channels are probabilities; of flows and distances there is none."""
    output = inference.card.output
    if output.instances in ("flows", "hover"):
        return {}
    doubt = MeanDoubt(output, logits.shape[1:])
    doubt.take(0, logits)
    return {"entropy": doubt.value}


def _number(logits: FloatArray, inference: Inference) -> LabelArray:
    output, grid = inference.card.output, inference.prepared.grid
    is_3d = inference.card.input.spatial_dims == 3
    activate_channels(logits, output)
    if output.instances in ("flows", "hover"):
        objects = find_instances(
            logits, output, min_object_vox=output.min_object_vox, is_3d=is_3d, spacing=grid.model.spacing
        )
        return number_without_gaps(grid.restore_labels(objects))
    return find_instances(
        grid.restore(logits),
        output,
        min_object_vox=output.min_object_vox * grid.source_vox_per_model_vox,
        is_3d=is_3d,
        spacing=grid.source.spacing,
    )
