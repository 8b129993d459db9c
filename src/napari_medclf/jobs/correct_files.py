"""Save corrected labels or classes that lie in files, for people who paint elsewhere."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from napari_medclf.domain.annotation import Annotation, Status
from napari_medclf.domain.errors import GridError, OptionError
from napari_medclf.domain.events import Job, Progress
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.options import check_options, option
from napari_medclf.domain.results import Prediction, Segmentation

if TYPE_CHECKING:
    from napari_medclf.domain.image import MedImage
    from napari_medclf.domain.package import ModelPackage


@dataclass(frozen=True)
class CorrectOptions:
    """What is said about which image, and where it is kept."""

    project: Path = option(help="folder of the project; made if it is not there yet", positional=True)
    image: Path = option(help="image that the answer is about", positional=True)
    member: str = option("", help="which image of several, as `medclf read` names them")
    labels: Path | None = option(None, help="label image on the image's grid")
    classes: tuple[str, ...] = option((), help="classes of the whole image")
    model: str = option("", help="model whose answer was corrected; its classes are used")
    model_labels: Path | None = option(None, help="label image that the model had made, to know what was edited")
    class_names: tuple[str, ...] = option((), help="all classes of a new project, where no model is named")
    author: str = option("", help="who says it; by default the user of this computer")
    status: Status = option(Status.DONE, help="done, or skipped or flagged without an answer")

    def __post_init__(self) -> None:
        check_options(self)
        if self.status is Status.DONE and self.labels is None and not self.classes:
            raise OptionError("There is nothing to save: give --labels, --classes, or --status skipped.")


def correct(options: CorrectOptions) -> Job[Annotation]:
    """Save one answer from files.

    Raises
    ------
    MedclfError
        As `jobs.correct.save_correction`, or if a file cannot be read.
    """
    from napari_medclf.io.read import read_image
    from napari_medclf.jobs.correct import Answer, save_answer
    from napari_medclf.jobs.models import find_model

    package = find_model(options.model) if options.model else None
    yield Progress(0, 0, f"reading {options.image.name}")
    image = read_image(options.image, options.member)
    schema = _schema(options, package)
    answer = Answer(
        segmentation=None if options.labels is None else _read(options, options.labels, image, schema),
        classes=options.classes or None,
        base=_base(options, package, image, schema),
        author=options.author,
        status=options.status,
        schema=schema if schema.classes else None,
    )
    return (yield from save_answer(options.project, image, answer))


def _schema(options: CorrectOptions, package: ModelPackage | None) -> LabelSchema:
    """Take the classes of the project, of the model, or as they were named, in this order."""
    from napari_medclf.store.project import Project

    if Project.is_project(options.project):
        return Project.open(options.project).info.classes
    if package is not None:
        return package.card.schema_
    return LabelSchema.from_names(options.class_names, first_value=0 if options.labels is None else 1)


def _base(
    options: CorrectOptions, package: ModelPackage | None, image: MedImage, schema: LabelSchema
) -> Prediction | None:
    if package is None:
        return None
    said = Prediction(package.name, package.card.version, image.name, weights_sha256=package.card.weights_sha256)
    if options.model_labels is None:
        return said
    return replace(said, segmentation=_read(options, options.model_labels, image, schema))


def _read(options: CorrectOptions, path: Path, image: MedImage, schema: LabelSchema) -> Segmentation:
    from napari_medclf.io.labels import read_label_map

    found = read_label_map(path)
    difference = image.geometry.explain_difference(found.geometry)
    if found.labels.shape != image.geometry.shape or (difference and not image.is_flat):
        raise GridError(f"{path}: does not lie on the grid of {options.image.name}: {difference}.")
    return Segmentation(found.labels, image.geometry, schema, name=path.name)
