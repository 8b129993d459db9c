"""What a run said about a case, read back from the files it wrote and the values of its ledger; on workers only."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_medclf.domain.card import ModelCard, Task
from napari_medclf.domain.dataset import FileRef
from napari_medclf.domain.detection import Detection
from napari_medclf.domain.errors import GridError, ReadError
from napari_medclf.domain.geometry import Geometry
from napari_medclf.domain.image import MedImage
from napari_medclf.domain.results import Classification, Prediction, Regression, Segmentation, UncertaintyMap
from napari_medclf.domain.run import CaseRecord

if TYPE_CHECKING:
    from napari_medclf.domain.arrays import LabelArray
    from napari_medclf.ui.tasks import Answer

_DICOM = ("dicom-seg", "dicom-labelmap", "rtstruct")
_BARE = ("png", "tiff")
"""These have no place in the patient; a run writes them pixel by pixel."""
_NOT_LABELS = ("overlay",)


@dataclass(frozen=True)
class RunAnswer:
    """Where the answer for one case of a run lies; called with the image, it reads it.

    Parameters
    ----------
    folder : Path
        Of the run.
    card : ModelCard
        Of the model that answered.
    """

    folder: Path
    record: CaseRecord
    card: ModelCard

    def __call__(self, image: MedImage) -> Answer:
        """Read the answer, and describe it for napari.

        Raises
        ------
        MedclfError
            If a file is missing or damaged, or does not lie on the image's grid.
        """
        from napari_medclf.ui.run_tasks import describe_answer

        return describe_answer(self.read(image), image, self.card)

    def read(self, image: MedImage) -> Prediction:
        """Read the answer.

        Raises
        ------
        MedclfError
            If a file is missing or damaged, or does not lie on the image's grid.
        """
        files = {Path(name).name: self.folder / name for name in self.record.outputs}
        values, card = self.record.values, self.card
        said = Prediction(
            card.name,
            card.version,
            image.name,
            segmentation=_segmentation(files, image, card),
            classification=_classification(values, card),
            detection=_detection(files, image, card),
            regression=_regression(values, card),
            uncertainty=_uncertainty(files, image),
            weights_sha256=card.weights_sha256,
        )
        if (said.segmentation, said.classification, said.detection, said.regression) == (None,) * 4:
            raise ReadError(
                self.folder, "keeps no labels of this case", "Run the model on it, or go on with other formats."
            )
        return said


def _segmentation(files: Mapping[str, Path], image: MedImage, card: ModelCard) -> Segmentation | None:
    from napari_medclf.jobs.outputs.formats import LABEL_FILES

    found = ((name, files[file]) for name, file in LABEL_FILES.items() if name not in _NOT_LABELS and file in files)
    format_, path = next(found, ("", Path()))
    if not format_:
        return None
    labels = _dicom_labels(path, image, card) if format_ in _DICOM else _label_image(path, format_, image)
    is_instances = card.task is Task.INSTANCES
    return Segmentation(labels, image.geometry, card.schema_, is_instances, image.source.digest)


def _label_image(path: Path, format_: str, image: MedImage) -> LabelArray:
    from napari_medclf.io.labels import read_label_map

    found = read_label_map(path)
    is_bare = format_ in _BARE and found.labels.shape == image.geometry.shape
    _check_grid(path, image, image.geometry if is_bare else found.geometry)
    return found.labels


def _dicom_labels(path: Path, image: MedImage, card: ModelCard) -> LabelArray:
    """Read segments or contours onto the image's grid, with the values of the model's classes."""
    from napari_medclf.domain.derived import LabelSet
    from napari_medclf.io.read import read_entry

    entry = read_entry(FileRef(path), (image.source.path,))
    if not isinstance(entry, LabelSet):
        raise ReadError(path, "holds no labels")
    labels = np.zeros(image.geometry.shape, dtype=np.uint16)
    for one in entry.segmentations:
        _check_grid(path, image, one.geometry)
        for known in one.schema.foreground:
            value = known.value if card.task is Task.INSTANCES else card.schema_.named(known.name).value
            labels[one.labels == known.value] = value
    return labels


def _check_grid(path: Path, image: MedImage, geometry: Geometry) -> None:
    difference = image.geometry.explain_difference(geometry)
    if difference:
        raise GridError(f"{path}: does not lie on the grid of {image.name}: {difference}.")


def _classification(values: Mapping[str, Any], card: ModelCard) -> Classification | None:
    scores = {name.removeprefix("score:"): float(score) for name, score in values.items() if name.startswith("score:")}
    if not scores:
        return None
    decided = tuple(part for part in str(values.get("decided") or "").split("; ") if part)
    return Classification(scores, decided, is_calibrated=card.is_calibrated)


def _regression(values: Mapping[str, Any], card: ModelCard) -> Regression | None:
    numbers = {name.removeprefix("value:"): float(one) for name, one in values.items() if name.startswith("value:")}
    if not numbers:
        return None
    units = zip(card.schema_.names, card.output.quantities, strict=False)
    return Regression(numbers, {name: one.unit for name, one in units if name in numbers})


def _detection(files: Mapping[str, Path], image: MedImage, card: ModelCard) -> Detection | None:
    from napari_medclf.jobs.outputs.formats import BOX_FILES

    path = files.get(BOX_FILES["boxes"])
    if path is None or card.task is not Task.DETECT:
        return None
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))["boxes"]
        corners = [[[row[f"{end}_{axis}_vox"] for axis in "kji"] for end in ("first", "last")] for row in rows]
        scores, names = [row["score"] for row in rows], tuple(row["class"] for row in rows)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ReadError(path, "is no file of boxes that a run wrote") from error
    boxes = np.asarray(corners, dtype=np.float64).reshape(-1, 2, 3)
    scored = np.asarray(scores, dtype=np.float64)
    return Detection(boxes, scored, names, image.geometry, card.schema_, image.source.digest)


def _uncertainty(files: Mapping[str, Path], image: MedImage) -> UncertaintyMap | None:
    from napari_medclf.io.read import read_image
    from napari_medclf.jobs.outputs.formats import UNCERTAINTY_FILE

    path = files.get(UNCERTAINTY_FILE)
    if path is None:
        return None
    found = read_image(path)
    _check_grid(path, image, found.geometry)
    return UncertaintyMap(np.asarray(found.data, dtype=np.float32), image.geometry, found.modality or "uncertainty")
