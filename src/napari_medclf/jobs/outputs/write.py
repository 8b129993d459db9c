"""What a run writes for a case: labels as standard files, scores as JSON, reports, and the row of the results."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_medclf.jobs.json_text import json_text
from napari_medclf.jobs.outputs.boxes import count_boxes, write_box_files, write_uncertainty
from napari_medclf.jobs.outputs.formats import BOX_FILES, LABEL_FILES, REPORT_FILES
from napari_medclf.jobs.outputs.numbers import number_values, write_numbers

if TYPE_CHECKING:
    from napari_medclf.domain.authorship import Authorship
    from napari_medclf.domain.image import MedImage
    from napari_medclf.domain.labels import LabelSchema
    from napari_medclf.domain.results import Classification, Prediction, Segmentation


@dataclass(frozen=True)
class Written:
    """Files of one case, and its values for the results: scores, volumes, areas."""

    files: tuple[Path, ...]
    values: dict[str, Any]


@dataclass(frozen=True)
class _SavedSegmentation:
    """The DICOM segmentation that measurements refer to, where one was saved."""

    uid: str = ""
    path: Path | None = None


def write_outputs(
    prediction: Prediction,
    image: MedImage,
    schema: LabelSchema,
    folder: Path,
    formats: Sequence[str] = ("auto",),
) -> Written:
    """Write what a model said about an image into the case's folder.

    Parameters
    ----------
    schema : LabelSchema
        The model's classes.
    formats : sequence of str
        Of `formats.FORMATS`; ``auto`` takes PNG for pictures without a place in the patient and NIfTI
        for the rest. Scores are always written as JSON.

    Raises
    ------
    WriteError
        If a file cannot be written, or came back different.
    """
    from napari_medclf.domain.authorship import Authorship

    authorship = Authorship.of_prediction(prediction)
    files: list[Path] = []
    values: dict[str, Any] = {}
    saved = _SavedSegmentation()
    if prediction.classification is not None:
        files.append(_write_classification(prediction, prediction.classification, folder))
        values |= _classification_values(prediction.classification)
    if prediction.regression is not None:
        files.append(write_numbers(prediction, prediction.regression, folder))
        values |= number_values(prediction.regression)
    if prediction.segmentation is not None:
        for name in dict.fromkeys(_resolve(one, image) for one in formats):
            if name in LABEL_FILES:
                path = folder / LABEL_FILES[name]
                uid = write_labels(prediction.segmentation, image, authorship, path, name)
                # Checkers do not take a label map for a segmentation whose segments may be named (dicom3tools 2026-09).
                saved = _SavedSegmentation(uid, path) if name == "dicom-seg" else saved
                files.append(path)
        values |= _segmentation_values(prediction.segmentation)
    if prediction.detection is not None or any(name in BOX_FILES for name in formats):
        detection, paths = write_box_files(prediction, folder)
        files += paths
        values |= count_boxes(detection)
    if prediction.uncertainty is not None:
        files.append(write_uncertainty(prediction.uncertainty, folder))
    for name in (one for one in formats if one in REPORT_FILES):
        files.append(folder / REPORT_FILES[name])
        _write_report(name, prediction, image, schema, saved, files[-1])
    warnings = dict.fromkeys((*image.warnings, *prediction.warnings))
    if warnings:
        values["warnings"] = " ".join(warnings)
    return Written(tuple(files), values)


def write_labels(segmentation: Segmentation, image: MedImage, authorship: Authorship, path: Path, format_: str) -> str:
    """Write labels of an image in one of `formats.LABEL_FILES`; re-opened and compared before it counts.

    Returns
    -------
    str
        SOP instance UID of a DICOM segmentation, empty for everything else.

    Raises
    ------
    WriteError
        If it cannot be written, or came back different.
    """
    write = _WRITERS.get(format_)
    if write is not None:
        return write(segmentation, image, authorship, path) or ""
    from napari_medclf.io.write import write_segmentation

    write_segmentation(segmentation, path)
    return ""


def _write_seg(segmentation: Segmentation, image: MedImage, authorship: Authorship, path: Path) -> str:
    from napari_medclf.io.derived.seg.write import write_seg

    return write_seg(segmentation, image, authorship, path)


def _write_labelmap(segmentation: Segmentation, image: MedImage, authorship: Authorship, path: Path) -> str:
    from napari_medclf.io.derived.seg.write import write_seg

    return write_seg(segmentation, image, authorship, path, form="labelmap")


def _write_contours(segmentation: Segmentation, image: MedImage, authorship: Authorship, path: Path) -> None:
    from napari_medclf.io.derived.rtstruct.write import write_rtstruct

    write_rtstruct(segmentation, image, authorship, path)


def _write_overlay(segmentation: Segmentation, image: MedImage, authorship: Authorship, path: Path) -> None:
    from napari_medclf.io.overlay import write_overlay

    write_overlay(image, segmentation, path)


_WRITERS: dict[str, Callable[[Segmentation, MedImage, Authorship, Path], str | None]] = {
    "dicom-seg": _write_seg,
    "dicom-labelmap": _write_labelmap,
    "rtstruct": _write_contours,
    "overlay": _write_overlay,
}


def _resolve(format_: str, image: MedImage) -> str:
    if format_ != "auto":
        return format_
    return "png" if image.is_flat and image.geometry.unit.value == "px" else "nifti"


def _write_report(
    format_: str, prediction: Prediction, image: MedImage, schema: LabelSchema, saved: _SavedSegmentation, path: Path
) -> None:
    from napari_medclf.domain.authorship import Authorship
    from napari_medclf.jobs.findings import report_of

    report = report_of(prediction, image, schema, saved.uid)
    if format_ == "csv":
        from napari_medclf.io.tables import write_report_csv

        write_report_csv(report, path)
        return
    from napari_medclf.io.derived.sr.write import write_sr

    write_sr(report, image, Authorship.of_prediction(prediction), path, segmentation=saved.path)


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
        "thresholds": classification.thresholds,
        "top_class": classification.top_class,
        "is_calibrated": classification.is_calibrated,
        "warnings": prediction.warnings,
    }
    path = folder / "classification.json"
    atomic_write(path, json_text(document) + "\n")
    return path


def _classification_values(classification: Classification) -> dict[str, Any]:
    scores = {f"score:{name}": score for name, score in classification.scores.items()}
    return {"top_class": classification.top_class, **scores, "decided": "; ".join(classification.decided)}


def _segmentation_values(segmentation: Segmentation) -> dict[str, Any]:
    """Size of every class; for objects also how many there are."""
    from napari_medclf.engine.measure import class_volumes, object_sizes

    values: dict[str, Any] = {f"{one.size_name}:{one.class_name}": one.size for one in class_volumes(segmentation)}
    if segmentation.is_instances:
        values[f"n_objects:{segmentation.schema.foreground[0].name}"] = len(object_sizes(segmentation))
    return values
