"""What a run writes for a case: labels as standard files, scores as JSON, reports, and the row of the results."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_medclf.jobs.json_text import json_text
from napari_medclf.jobs.outputs.boxes import write_box_files, write_uncertainty
from napari_medclf.jobs.outputs.formats import BOX_FILES, LABEL_FILES, PICTURE_FILES, REPORT_FILES, fitting_formats
from napari_medclf.jobs.outputs.labels import write_labels, write_pictures
from napari_medclf.jobs.outputs.numbers import write_numbers
from napari_medclf.jobs.outputs.values import values_of

if TYPE_CHECKING:
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
        Of `formats.FORMATS`, in any mixture. Those that cannot hold an answer on this image are told in the values'
        ``warnings``, and the others are written. ``auto`` takes PNG for pictures without a place in the patient and
        NIfTI for the rest. Scores, numbers and boxes are always written as JSON.

    Raises
    ------
    WriteError
        If not one of the formats fits, a file cannot be written, or it came back different.
    """
    fitting, notes = fitting_formats(image, formats)
    files: list[Path] = []
    saved = _SavedSegmentation()
    if prediction.classification is not None:
        files.append(_write_classification(prediction, prediction.classification, folder))
    if prediction.regression is not None:
        files.append(write_numbers(prediction, prediction.regression, folder))
    if prediction.segmentation is not None:
        label_files, saved = _write_label_files(prediction, prediction.segmentation, image, folder, fitting)
        files += label_files
        files += _write_picture_files(prediction.segmentation, image, folder, fitting)
    if prediction.detection is not None or any(name in BOX_FILES for name in fitting):
        files += write_box_files(prediction, folder)
    if prediction.uncertainty is not None:
        files.append(write_uncertainty(prediction.uncertainty, folder))
    for name in (one for one in fitting if one in REPORT_FILES):
        files.append(folder / REPORT_FILES[name])
        _write_report(name, prediction, image, schema, saved, files[-1])
    return Written(tuple(files), values_of(prediction, image, fitting, notes))


def _write_label_files(
    prediction: Prediction, segmentation: Segmentation, image: MedImage, folder: Path, formats: Sequence[str]
) -> tuple[list[Path], _SavedSegmentation]:
    from napari_medclf.domain.authorship import Authorship

    authorship = Authorship.of_prediction(prediction)
    files: list[Path] = []
    saved = _SavedSegmentation()
    for name in (one for one in formats if one in LABEL_FILES):
        files.append(folder / LABEL_FILES[name])
        uid = write_labels(segmentation, image, authorship, files[-1], name)
        # Checkers do not take a label map for a segmentation whose segments may be named (dicom3tools 2026-09).
        saved = _SavedSegmentation(uid, files[-1]) if name == "dicom-seg" else saved
    return files, saved


def _write_picture_files(
    segmentation: Segmentation, image: MedImage, folder: Path, formats: Sequence[str]
) -> Iterator[Path]:
    for name in (one for one in formats if one in PICTURE_FILES):
        yield from write_pictures(segmentation, image, folder, name)


def _write_report(
    format_: str, prediction: Prediction, image: MedImage, schema: LabelSchema, saved: _SavedSegmentation, path: Path
) -> None:
    from napari_medclf.domain.authorship import Authorship
    from napari_medclf.jobs.findings import report_of

    report = report_of(prediction, image, schema, saved.uid)
    if format_ in ("csv", "json"):
        from napari_medclf.io.tables import write_report_csv

        write_report_csv(report, path)  # which of the two, the suffix says
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
