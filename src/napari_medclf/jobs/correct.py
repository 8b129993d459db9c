"""Save what a person says about an image: painted labels, classes, or that the model was right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_medclf.domain.annotation import Annotation, Origin, Status
from napari_medclf.domain.card import Task
from napari_medclf.domain.dataset import FileRef
from napari_medclf.domain.errors import GridError, SchemaError
from napari_medclf.domain.events import Job, Progress
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.results import Prediction, Segmentation
from napari_medclf.domain.voxel_origin import OriginMap, VoxelOrigin

if TYPE_CHECKING:
    from napari_medclf.domain.arrays import BoolArray
    from napari_medclf.domain.image import MedImage
    from napari_medclf.store.project import Project, ProjectCase

_ORIGINS = LabelSchema.from_names([VoxelOrigin.PERSON.name.lower(), VoxelOrigin.BOTH.name.lower()], first_value=1)


@dataclass(frozen=True)
class Answer:
    """What is said about an image; what is None was not spoken of.

    Parameters
    ----------
    base : Prediction or None
        What the model had said before the person looked.
    schema : LabelSchema or None
        All classes a person could choose from; needed for the first answer of a project only.
    voxel_origins : (K, J, I) uint8 or None
        Who each voxel comes from, as the window knows it stroke by stroke; without it, what differs from the
        model's labels counts as the person's.
    n_strokes, active_s : int, float
        What it took: strokes, and seconds of a person.
    is_blind : bool
        The author saw no other person's answer.
    adjudicates : tuple of str
        The people whose answers the author saw side by side, and decides between.
    """

    segmentation: Segmentation | None = None
    classes: tuple[str, ...] | None = None
    base: Prediction | None = None
    author: str = ""
    status: Status = Status.DONE
    schema: LabelSchema | None = None
    voxel_origins: OriginMap | None = None
    n_strokes: int = 0
    active_s: float = 0.0
    is_blind: bool = False
    adjudicates: tuple[str, ...] = ()

    @property
    def task(self) -> Task:
        """What a project of such answers teaches."""
        shown = self.segmentation or (self.base.segmentation if self.base else None)
        if shown is None:
            return Task.CLASSIFY
        return Task.INSTANCES if shown.is_instances else Task.SEGMENT

    @property
    def known_classes(self) -> LabelSchema:
        """The classes a new project begins with."""
        if self.schema is not None:
            return self.schema
        shown = self.segmentation or (self.base.segmentation if self.base else None)
        if shown is not None:
            return shown.schema
        scored = self.base.classification.scores if self.base and self.base.classification else {}
        return LabelSchema.from_names(list(dict.fromkeys([*scored, *(self.classes or ())])))

    @property
    def edited(self) -> BoolArray | None:
        """Where the labels differ from the model's; None without a model's labels."""
        before = self.base.segmentation if self.base else None
        if self.segmentation is None or before is None:
            return None
        return np.asarray(self.segmentation.labels != before.labels)

    @property
    def origins_to_keep(self) -> OriginMap | None:
        """Who each voxel comes from; None without labels, or where nothing is known of it."""
        if self.segmentation is None or self.voxel_origins is not None:
            return None if self.segmentation is None else self.voxel_origins
        edited = self.edited
        return None if edited is None else edited.astype(np.uint8)

    @property
    def origin(self) -> Origin:
        """How this answer came to be."""
        edited = self.edited
        if edited is not None:
            return Origin.CORRECTED if edited.any() else Origin.ACCEPTED
        if self.base is not None and self.base.classification is not None and self.classes is not None:
            is_same = set(self.classes) == set(self.base.classification.decided)
            return Origin.ACCEPTED if is_same else Origin.CORRECTED
        return Origin.MANUAL


def save_correction(
    project_path: Path,
    image: MedImage,
    segmentation: Segmentation | None,
    classes: Sequence[str] | None,
    base: Prediction | None,
    author: str = "",
    status: Status = Status.DONE,
    schema: LabelSchema | None = None,
) -> Job[Annotation]:
    """Save one more version of the answer for an image; the project is made if it is not there yet.

    When this returns, the answer is on disk and a kill cannot lose it.

    Raises
    ------
    GridError
        If the labels do not lie on the image's grid.
    SchemaError
        If a class is none of the project's.
    WriteError
        If it cannot be written; earlier answers are intact.
    """
    said = None if classes is None else tuple(classes)
    answer = Answer(segmentation, said, base, author, status, schema)
    return (yield from save_answer(project_path, image, answer))


def save_answer(project_path: Path, image: MedImage, answer: Answer) -> Job[Annotation]:
    """As `save_correction`, with the answer as one value."""
    from napari_medclf.io.digest import with_digest

    _check_grid(image, answer.segmentation)
    yield Progress(0, 3, "opening the project")
    project = open_or_create(project_path, answer)
    _check_classes(project, answer)
    image = with_digest(image)
    yield Progress(1, 3, "adding the image")
    case = add_image(project, image)
    yield Progress(2, 3, "saving")
    return _save(project, case, image, answer)


def open_or_create(path: Path, answer: Answer) -> Project:
    """Open a project, or make one for answers of this kind."""
    from napari_medclf.store.project import Project

    if Project.is_project(path):
        return Project.open(path)
    _check_names(answer.known_classes, answer)  # a mistyped class leaves no empty project behind
    is_exclusive = answer.classes is None or len(answer.classes) < 2
    return Project.create(
        path, name=path.name, task=answer.task, classes=answer.known_classes, is_exclusive=is_exclusive
    )


def add_image(project: Project, image: MedImage) -> ProjectCase:
    """Refer to the image where it lies; one that was never a file is written into the project."""
    from napari_medclf.io.write import write_image
    from napari_medclf.store.files import safe_name

    source = image.source
    ref = FileRef(source.path, source.member)
    is_on_disk = source.path != Path() and source.path.exists()
    if not is_on_disk:
        ref = FileRef(project.folder / "images" / f"{safe_name(image.name)}-{source.digest[:8]}.nii.gz")
        if not ref.path.exists():
            write_image(image, ref.path)
    return project.add_case(ref, image_digest=source.digest, group_id=source.patient_key)


def _save(project: Project, case: ProjectCase, image: MedImage, answer: Answer) -> Annotation:
    from napari_medclf.io.digest import array_digest
    from napari_medclf.io.write import write_segmentation
    from napari_medclf.store.project import current_author, now_utc

    segmentation, origins = answer.segmentation, answer.origins_to_keep
    mask = None if origins is None else Segmentation(origins, image.geometry, _ORIGINS)
    annotation = Annotation(
        case_id=case.case_id,
        group_id=case.group_id,
        image_digest=case.image_digest,
        label_digest=array_digest(segmentation.labels) if segmentation else "",
        classes=answer.classes,
        origin=answer.origin,
        status=answer.status,
        author=answer.author or current_author(),
        model=answer.base.model if answer.base else "",
        model_version=answer.base.model_version if answer.base else "",
        weights_sha256=answer.base.weights_sha256 if answer.base else "",
        n_edited_vox=_count_edited(answer),
        active_s=answer.active_s,
        n_strokes=answer.n_strokes,
        is_blind=answer.is_blind,
        created=now_utc(),
    )
    project.save_annotation(
        annotation,
        write_labels=None if segmentation is None else lambda path: write_segmentation(segmentation, path),
        write_edited=None if mask is None else lambda path: write_segmentation(mask, path),
        adjudicates=answer.adjudicates,
    )
    return annotation


def _count_edited(answer: Answer) -> int:
    if answer.segmentation is None:
        return 0
    edited = answer.edited
    return int(np.count_nonzero(answer.segmentation.labels if edited is None else edited))


def _check_grid(image: MedImage, segmentation: Segmentation | None) -> None:
    difference = segmentation.geometry.explain_difference(image.geometry) if segmentation else ""
    if difference:
        raise GridError(f"The labels do not lie on the grid of {image.name}: {difference}.")


def _check_names(known: LabelSchema, answer: Answer) -> None:
    for name in answer.classes or ():
        known.named(name)


def _check_classes(project: Project, answer: Answer) -> None:
    """Match classes by name; the same name must also mean the same number in label images."""
    known, said = project.info.classes, answer.classes or ()
    _check_names(known, answer)
    if project.info.is_exclusive and len(set(said)) > 1:
        raise SchemaError(f"{project.folder}: its classes exclude each other; say one, not {', '.join(said)}.")
    for one in answer.segmentation.schema.foreground if answer.segmentation else ():
        if known.named(one.name).value != one.value:
            raise SchemaError(
                f"{project.folder}: {one.name!r} has the label value {known.named(one.name).value} in this project, "
                f"not {one.value}."
            )
