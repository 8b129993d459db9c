"""What a case adds to the table of results: scores, numbers, sizes, counts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from napari_medclf.jobs.outputs.boxes import boxes_of, count_boxes
from napari_medclf.jobs.outputs.formats import BOX_FILES
from napari_medclf.jobs.outputs.numbers import number_values

if TYPE_CHECKING:
    from napari_medclf.domain.image import MedImage
    from napari_medclf.domain.results import Classification, Prediction, Segmentation


def values_of(
    prediction: Prediction, image: MedImage, formats: Sequence[str] = (), notes: Sequence[str] = ()
) -> dict[str, Any]:
    """Gather the columns of ``results.csv`` for an answer.

    Parameters
    ----------
    formats : sequence of str
        With ``boxes``, the parts of labels are counted.
    notes : sequence of str
        Told behind the warnings of image and model.
    """
    values: dict[str, Any] = {}
    if prediction.classification is not None:
        values |= _of_scores(prediction.classification)
    if prediction.regression is not None:
        values |= number_values(prediction.regression)
    if prediction.segmentation is not None:
        values |= _of_labels(prediction.segmentation)
    if prediction.detection is not None or any(name in BOX_FILES for name in formats):
        values |= count_boxes(boxes_of(prediction))
    warnings = dict.fromkeys((*image.warnings, *prediction.warnings, *notes))
    if warnings:
        values["warnings"] = " ".join(warnings)
    return values


def _of_scores(classification: Classification) -> dict[str, Any]:
    scores = {f"score:{name}": score for name, score in classification.scores.items()}
    return {"top_class": classification.top_class, **scores, "decided": "; ".join(classification.decided)}


def _of_labels(segmentation: Segmentation) -> dict[str, Any]:
    """Size of every class; for objects also how many there are."""
    from napari_medclf.engine.measure import class_volumes, object_sizes

    values: dict[str, Any] = {f"{one.size_name}:{one.class_name}": one.size for one in class_volumes(segmentation)}
    if segmentation.is_instances:
        values[f"n_objects:{segmentation.schema.foreground[0].name}"] = len(object_sizes(segmentation))
    return values
