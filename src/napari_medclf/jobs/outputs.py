"""What a run writes for a case: labels as a standard file, scores as JSON, and the row of the results."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_medclf.jobs.json_text import json_text

if TYPE_CHECKING:
    from napari_medclf.domain.image import MedImage
    from napari_medclf.domain.results import Classification, Prediction, Segmentation

_SUFFIXES = {"nifti": ".nii.gz", "nrrd": ".nrrd", "png": ".png", "tiff": ".tif"}


@dataclass(frozen=True)
class Written:
    """Files of one case, and its values for the results: scores, volumes, areas."""

    files: tuple[Path, ...]
    values: dict[str, Any]


def write_outputs(prediction: Prediction, image: MedImage, folder: Path, format_: str = "auto") -> Written:
    """Write what a model said about an image into the case's folder.

    Parameters
    ----------
    format_ : str
        Of a segmentation: ``nifti``, ``nrrd``, ``png``, ``tiff``; ``auto`` takes PNG for pictures
        without a place in the patient and NIfTI for the rest.

    Raises
    ------
    WriteError
        If a file cannot be written, or came back different.
    """
    files: list[Path] = []
    values: dict[str, Any] = {}
    if prediction.classification is not None:
        files.append(_write_classification(prediction, prediction.classification, folder))
        values |= _classification_values(prediction.classification)
    if prediction.segmentation is not None:
        files.append(_write_segmentation(prediction.segmentation, image, folder, format_))
        values |= _segmentation_values(prediction.segmentation)
    if prediction.warnings:
        values["warnings"] = " ".join(prediction.warnings)
    return Written(tuple(files), values)


def _write_segmentation(segmentation: Segmentation, image: MedImage, folder: Path, format_: str) -> Path:
    from napari_medclf.io.write import write_segmentation

    if format_ == "auto":
        format_ = "png" if image.is_flat and image.geometry.unit.value == "px" else "nifti"
    path = folder / f"segmentation{_SUFFIXES[format_]}"
    write_segmentation(segmentation, path)
    return path


def _write_classification(prediction: Prediction, classification: Classification, folder: Path) -> Path:
    from napari_medclf.atomic import atomic_write

    document = {
        "schema_version": 1,
        "model": prediction.model,
        "model_version": prediction.model_version,
        "image": prediction.image_name,
        "scope": classification.scope,
        "scores": classification.scores,
        "decided": classification.decided,
        "top_class": classification.top_class,
        "is_calibrated": classification.is_calibrated,
        "warnings": prediction.warnings,
    }
    path = folder / "classification.json"
    atomic_write(path, json_text(document) + "\n")
    return path


def _classification_values(classification: Classification) -> dict[str, Any]:
    scores = {f"score:{name}": score for name, score in classification.scores.items()}
    return {"top_class": classification.top_class, **scores}


def _segmentation_values(segmentation: Segmentation) -> dict[str, Any]:
    """Size of every class; for objects also how many there are."""
    from napari_medclf.engine.measure import class_volumes, object_sizes

    values: dict[str, Any] = {f"{one.size_name}:{one.class_name}": one.size for one in class_volumes(segmentation)}
    if segmentation.is_instances:
        values[f"n_objects:{segmentation.schema.foreground[0].name}"] = len(object_sizes(segmentation))
    return values
