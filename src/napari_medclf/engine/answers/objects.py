"""Which voxels belong to which object."""

from __future__ import annotations

from napari_medclf.domain.events import Job, Progress
from napari_medclf.domain.results import Segmentation
from napari_medclf.engine.answers.inference import Answer, Inference, check_logits
from napari_medclf.engine.decide import activate
from napari_medclf.engine.instances import find_instances
from napari_medclf.engine.sliding.slide import slide_whole


def answer_objects(inference: Inference) -> Job[Answer]:
    """Number the objects on the image's own grid."""
    card, grid = inference.card, inference.prepared.grid
    logits = yield from slide_whole(inference.prepared.data, inference.network, inference.window, inference.device)
    check_logits(logits, inference)
    yield Progress(0, 0, "Bringing the result to the image's grid")
    activate(logits, card.output)
    labels = find_instances(
        grid.restore(logits),
        min_object_vox=card.output.min_object_vox * grid.source_vox_per_model_vox,
        is_3d=card.input.spatial_dims == 3,
    )
    return Answer(
        segmentation=Segmentation(
            labels=labels,
            geometry=inference.image.geometry,
            schema=card.schema_,
            is_instances=True,
            source_digest=inference.image.source.digest,
            name=card.name,
        )
    )
