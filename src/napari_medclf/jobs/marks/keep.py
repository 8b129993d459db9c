"""Keep what is said about the image on the screen, whose project may not be there yet."""

from __future__ import annotations

from pathlib import Path

from napari_medclf.domain.events import Job, Progress
from napari_medclf.domain.image import MedImage
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.mark import Mark


def keep_mark(project_path: Path, image: MedImage, mark: Mark, schema: LabelSchema | None = None) -> Job[Mark]:
    """Keep a mark about an image; the project is made, and the image added, if they are not there yet.

    Parameters
    ----------
    mark : Mark
        Its case id is replaced by that of the image.
    schema : LabelSchema or None
        Classes of a project that has to be made; those of the mark by default.

    Raises
    ------
    DatasetError
        If the case is locked.
    WriteError
        If it cannot be written.
    """
    from napari_medclf.io.digest import with_digest
    from napari_medclf.jobs.correct import Answer, add_image, open_or_create

    yield Progress(0, 0, "saving")
    project = open_or_create(project_path, Answer(classes=mark.classes, schema=schema))
    image = with_digest(image)
    case = add_image(project, image)
    kept = mark.model_copy(update={"case_id": case.case_id})
    project.save_mark(kept)
    return kept


def read_marks(project_path: Path, image: MedImage) -> Job[tuple[Mark, ...]]:
    """Read what holds about an image; marks that a killed window had only put into its journal are kept now.

    Raises
    ------
    MedclfError
        If the project cannot be read.
    """
    from napari_medclf.io.digest import with_digest
    from napari_medclf.store.project import Project

    yield Progress(0, 0, "reading what was said")
    digest = with_digest(image).source.digest
    lost = _only_in_journal(project_path, digest)
    for mark in lost:
        yield from keep_mark(project_path, image, mark)
    if not Project.is_project(project_path):
        return ()
    project = Project.open(project_path)
    case_id = next((case.case_id for case in project.cases() if case.image_digest == digest), "")
    return project.marks(case_id) if case_id else ()


def _only_in_journal(project_path: Path, digest: str) -> tuple[Mark, ...]:
    from napari_medclf.store.project import Project
    from napari_medclf.store.strokes.history import StrokeHistory

    journalled = [one.mark for one in StrokeHistory(project_path, digest).marks()]
    if not journalled or not Project.is_project(project_path):
        return tuple(journalled)
    known = {_said(mark) for mark in Project.open(project_path).mark_history()}
    return tuple(mark for mark in journalled if _said(mark) not in known)


def _said(mark: Mark) -> str:
    """What tells two marks apart, whatever the case is called."""
    return mark.model_dump_json(exclude={"case_id"})
