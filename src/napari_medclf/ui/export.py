"""What a person saves of an image: labels, boxes, scores and sizes, in the format they choose."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from qtpy.QtWidgets import QComboBox, QFileDialog, QHBoxLayout, QWidget

from napari_medclf.bridge.authorship import authorship_of
from napari_medclf.bridge.layer_info import layer_info
from napari_medclf.bridge.saving import BINARY, CONTOURS, LABELMAP, save_segmentation
from napari_medclf.domain.authorship import Authorship
from napari_medclf.domain.events import Job, Progress
from napari_medclf.domain.image import MedImage
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.results import Prediction, Segmentation
from napari_medclf.ui import notify
from napari_medclf.ui.autosave import PaintedLabels
from napari_medclf.ui.layout import button
from napari_medclf.ui.save_boxes import DrawnBoxes
from napari_medclf.ui.session import Session

_OVERLAY, _REPORT, _TABLE = ".overlay.png", ".sr.dcm", ".csv"
_BOX_TABLE, _BOX_DOCUMENT = ".boxes.csv", ".boxes.json"
_BOXES = (_BOX_TABLE, _BOX_DOCUMENT)
FORMATS = (
    ("DICOM SEG", BINARY),
    ("DICOM SEG, labelmap", LABELMAP),
    ("DICOM RTSTRUCT (contours)", CONTOURS),
    ("DICOM SR (scores and sizes)", _REPORT),
    ("NIfTI", ".nii.gz"),
    ("NRRD", ".nrrd"),
    ("MetaImage", ".mha"),
    ("TIFF", ".tif"),
    ("PNG", ".png"),
    ("PNG, labels over the image", _OVERLAY),
    ("CSV (scores and sizes)", _TABLE),
    ("CSV, boxes", _BOX_TABLE),
    ("JSON, boxes", _BOX_DOCUMENT),
)
"""Name and ending of each format."""


@dataclass(frozen=True, eq=False)
class Findings:
    """What there is to save about an image, copied on the GUI thread."""

    image: MedImage
    painted: PaintedLabels | None
    prediction: Prediction | None
    schema: LabelSchema | None
    author: str
    given: tuple[str, ...] | None = None
    """Classes a person gave to the image, in place of the model's."""
    boxes: DrawnBoxes | None = None


class ExportRow(QWidget):
    """The choice of a format, and the button that asks where to; the job bar tells how it goes."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.format = QComboBox(self)
        for name, ending in FORMATS:
            self.format.addItem(f"{name}   {ending}", ending)
        wanted = self.format.findData(session.settings.get("correct", "export", BINARY))
        self.format.setCurrentIndex(max(wanted, 0))
        self.format.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.export = button("Export…", "Save labels or findings; what is written is read again and compared",
                             self._choose, self)  # fmt: skip
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.format, 1)
        row.addWidget(self.export)

    def save_to(self, path: Path) -> bool:
        """Save in the chosen format; False when there is nothing to save or another job runs."""
        session, ending = self._session, str(self.format.currentData())
        missing = _missing(session, ending)
        if missing:
            notify.warn(missing)
            return False
        path, findings = with_ending(path, ending), _findings(session)
        session.settings.set("correct", export=ending)
        return session.bar.start(
            f"Saving {path.name}",
            lambda: _save(findings, ending, path),
            lambda saved: notify.tell(f"Saved and read back: {saved.name}, in {saved.parent.name}."),
        )

    def _choose(self) -> None:
        image = self._session.image
        ending = str(self.format.currentData())
        folder = Path(str(self._session.settings.get("correct", "export_folder", "")))
        proposed = folder / f"{'labels' if image is None else image.name}{ending}"
        chosen, _ = QFileDialog.getSaveFileName(self, "Save as", str(proposed), f"*{ending}")
        if chosen:
            self._session.settings.set("correct", export_folder=str(Path(chosen).parent))
            path = with_ending(Path(chosen), ending)
            if path != Path(chosen) and path.exists():  # the dialog asked about another name
                notify.warn(f"{path.name} is there already. Choose it in the list of files to replace it.")
                return
            self.save_to(path)


def with_ending(path: Path, ending: str) -> Path:
    """Give a file name the ending of a format, in place of that of another.

    >>> with_ending(Path("case.rtstruct.dcm"), ".sr.dcm").name, with_ending(Path("case.1"), ".csv").name
    ('case.sr.dcm', 'case.1.csv')
    """
    endings = sorted((known for _, known in FORMATS), key=len, reverse=True)
    found = next((known for known in endings if path.name.lower().endswith(known)), "")
    if found == ending:
        return path
    return path.with_name(path.name[: len(path.name) - len(found)] + ending)


def _missing(session: Session, ending: str) -> str:
    """Say what a format would hold that is not there; empty where it can be written."""
    labels, boxes, answer = session.labels_layer, session.boxes_layer, session.answer
    if session.image is None or (labels is None and boxes is None and answer is None):
        return "There is nothing to save yet: run a model, or paint labels."
    if ending in _BOXES:
        has_any = labels is not None or boxes is not None
        return "" if has_any else "There are no boxes on this image, and no labels to put boxes around."
    if labels is None and ending not in {_REPORT, _TABLE}:
        if boxes is not None:
            return "There are no labels on this image; its boxes can be saved as CSV or JSON."
        return "There are no labels on this image; its classes can be saved as a DICOM SR or CSV."
    return ""


def _findings(session: Session) -> Findings:
    image, labels, boxes, answer = session.image, session.labels_layer, session.boxes_layer, session.answer
    assert image is not None  # `_missing` told so
    return Findings(
        image,
        None if labels is None else PaintedLabels.copy_of(labels),
        None if answer is None else answer.prediction,
        None if answer is None else answer.card.schema_,
        session.author,
        session.person_classes,
        None if boxes is None else DrawnBoxes.copy_of(boxes),
    )


def _save(findings: Findings, ending: str, path: Path) -> Job[Path]:
    yield Progress(0, 0, "writing and reading back")
    segmentation = None if findings.painted is None else findings.painted.read()
    write: Callable[[Findings, Segmentation | None, Path], None]
    special = {_REPORT: _write_report, _TABLE: _write_table, _OVERLAY: _write_overlay}
    special |= dict.fromkeys(_BOXES, _write_boxes)
    write = special.get(ending, _write_labels)
    write(findings, segmentation, path)
    return path


def _write_labels(findings: Findings, segmentation: Segmentation | None, path: Path) -> None:
    if segmentation is not None:
        save_segmentation(segmentation, findings.image, _authorship(findings, segmentation), path)


def _write_overlay(findings: Findings, segmentation: Segmentation | None, path: Path) -> None:
    from napari_medclf.io.overlay import write_overlay

    if segmentation is not None:
        write_overlay(findings.image, segmentation, path)


def _write_boxes(findings: Findings, segmentation: Segmentation | None, path: Path) -> None:
    """Write the boxes as they are drawn; without any, one around every separate part of the labels."""
    from napari_medclf.io.box_table import write_boxes

    if findings.boxes is not None:
        detection = findings.boxes.read()
        write_boxes(detection, path, findings.boxes.authorship(detection, findings.author))
    elif segmentation is not None:
        from napari_medclf.engine.detection.candidates import candidates_from_labels

        detection = replace(candidates_from_labels(segmentation), name="boxes")
        write_boxes(detection, path, _authorship(findings, segmentation))


def _write_report(findings: Findings, segmentation: Segmentation | None, path: Path) -> None:
    from napari_medclf.io.derived.sr.write import write_sr
    from napari_medclf.jobs.findings import report_of

    said, schema = _said(findings, segmentation)
    report = report_of(said, findings.image, schema, given=findings.given)
    write_sr(report, findings.image, _authorship(findings, segmentation), path)


def _write_table(findings: Findings, segmentation: Segmentation | None, path: Path) -> None:
    from napari_medclf.io.tables import write_report_csv
    from napari_medclf.jobs.findings import report_of

    said, schema = _said(findings, segmentation)
    write_report_csv(report_of(said, findings.image, schema, given=findings.given), path)


def _said(findings: Findings, segmentation: Segmentation | None) -> tuple[Prediction, LabelSchema]:
    """Take the labels as a person left them, with the scores of the model."""
    before = findings.prediction or Prediction("", "", findings.image.name)
    schema = findings.schema or (segmentation.schema if segmentation is not None else LabelSchema(classes=()))
    return replace(before, segmentation=segmentation), schema


def _authorship(findings: Findings, segmentation: Segmentation | None) -> Authorship:
    if segmentation is None or findings.painted is None:
        prediction = findings.prediction or Prediction("", "", findings.image.name)
        return Authorship.of_prediction(prediction, author=findings.author)
    return authorship_of(layer_info(findings.painted.metadata), segmentation, findings.author)
