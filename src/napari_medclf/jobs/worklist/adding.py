"""Put images into a project before anybody said something about them, so that a model can be asked about them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from napari_medclf.domain.card import Task
from napari_medclf.domain.dataset import FileRef
from napari_medclf.domain.errors import DatasetError, MedclfError
from napari_medclf.domain.events import CaseFailed, Job, Progress

if TYPE_CHECKING:
    from napari_medclf.domain.package import ModelPackage
    from napari_medclf.store.project import Project


def add_images(folder: Path, refs: Sequence[FileRef], package: ModelPackage | None = None) -> Job[Project]:
    """Add images that are not in a project yet; one that cannot be read is told and left out.

    Parameters
    ----------
    package : ModelPackage or None
        What a new project is about: its task and classes. Not needed where the project is there.

    Raises
    ------
    DatasetError
        If there is no such project, and no model to tell what a new one is about.
    WriteError
        If the project cannot be written.
    """
    from napari_medclf.io.digest import with_digest
    from napari_medclf.io.read import read_image
    from napari_medclf.jobs.background import awaited
    from napari_medclf.jobs.drive import explain

    project = open_or_create(folder, package)
    known = {case.image for case in project.cases()}
    new = [ref for ref in refs if FileRef(ref.path.resolve(), ref.member) not in known and ref not in known]
    for number, ref in enumerate(new):
        told = Progress(number, len(new), f"adding {ref.path.name}")
        yield told
        try:
            image = yield from awaited(lambda ref=ref: with_digest(read_image(ref.path, ref.member)), told)  # type: ignore[misc]  # lambda's default
        except (MedclfError, OSError, MemoryError) as error:
            yield CaseFailed(ref.path.name, ref.path, explain(error))
            continue
        project.add_case(ref, image_digest=image.source.digest, group_id=image.source.patient_key)
    return project


def open_or_create(folder: Path, package: ModelPackage | None) -> Project:
    """Open a project, or begin one about what a model does.

    Raises
    ------
    DatasetError
        If it is not there, and no model is given or one whose answers no project keeps.
    """
    from napari_medclf.store.project import Project

    if Project.is_project(folder):
        return Project.open(folder)
    if package is None:
        raise DatasetError(f"{folder}: is no project yet. Name a model, whose classes a new one is about.")
    card = package.card
    if card.task not in (Task.CLASSIFY, Task.SEGMENT, Task.INSTANCES):
        raise DatasetError(f"{card.name} is made to {card.task}; projects keep labels and classes.")
    is_exclusive = card.output.activation != "sigmoid"
    return Project.create(folder, name=folder.name, task=card.task, classes=card.schema_, is_exclusive=is_exclusive)
