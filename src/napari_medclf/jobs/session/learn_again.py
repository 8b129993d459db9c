"""Let a model learn again from exactly the answers that it learned from, in a project made for that."""

from __future__ import annotations

import shutil
from pathlib import Path

from napari_medclf.atomic import atomic_write
from napari_medclf.domain.errors import DatasetError
from napari_medclf.domain.events import Job
from napari_medclf.domain.revision import DataRevision, ModelRevision
from napari_medclf.store.bundle import read_run_spec
from napari_medclf.store.holdout import said_digest
from napari_medclf.store.journal import Journal
from napari_medclf.store.project import Project, ProjectCase, SavedAnnotation
from napari_medclf.store.project_entries import AnnotationEntry, CaseEntry
from napari_medclf.store.project_reader import INFO_NAME
from napari_medclf.store.revisions import DataEntry, ModelEntry, Revisions


def learn_again(project: Project, revision: ModelRevision, folder: Path) -> Job[str]:
    """Repeat an adaptation by its seed and number of steps; returns the SHA-256 of the weights.

    Parameters
    ----------
    folder : Path
        New; a project with the answers of that time is made there.

    Raises
    ------
    DatasetError
        If an answer that it learned from is gone, or it was not made by `medclf adapt`.
    """
    from napari_medclf.jobs.adapt.adapt import adapt
    from napari_medclf.jobs.adapt.options import AdaptOptions
    from napari_medclf.jobs.spec import options_from

    revisions = Revisions(project.folder)
    package = revisions.package(revision)
    spec = read_run_spec(package)
    data = revisions.data().get(revision.data_revision_id)
    if spec.command != "adapt" or data is None:
        raise DatasetError(f"{revision.revision_id}: was made by {spec.command!r}, and cannot be learned again here.")
    _project_of_then(project, revisions, revision, data, folder)
    changes = {"project": folder, "model": revision.parent_id, "hold_out": (), "hold_out_fraction": 0.0}
    result = yield from adapt(options_from(spec, AdaptOptions, **changes))
    return result.revision.weights_sha256


def _project_of_then(
    project: Project, revisions: Revisions, revision: ModelRevision, data: DataRevision, folder: Path
) -> None:
    """Make a project that holds the answers of then and the parent model, and nothing else."""
    if folder.exists():
        raise DatasetError(f"{folder}: is there already; choose a new folder.")
    folder.mkdir(parents=True)
    atomic_write(folder / INFO_NAME, (project.folder / INFO_NAME).read_bytes())
    journal = Journal(folder / "journal.jsonl")
    wanted = set(data.annotations)
    for case in project.cases():
        answer = _answer(project, case, wanted)
        if answer is not None:
            journal.append(_case_entry(case))
            journal.append(_answer_entry(answer))
            wanted.discard(f"{case.case_id}:{said_digest(answer.annotation, project.info.task)}")
    if wanted:
        raise DatasetError(f"{revision.revision_id}: the answer {min(wanted)} that it learned from is gone.")
    _bring_parent(revisions, revisions.find(revision.parent_id), folder)


def _answer(project: Project, case: ProjectCase, wanted: set[str]) -> SavedAnnotation | None:
    for version in reversed(case.versions):
        if f"{case.case_id}:{said_digest(version.annotation, project.info.task)}" in wanted:
            return version
    return None


def _case_entry(case: ProjectCase) -> CaseEntry:
    return CaseEntry(
        case_id=case.case_id,
        group_id=case.group_id,
        path=str(case.image.path.resolve()),
        member=case.image.member,
        image_digest=case.image_digest,
        facts=dict(case.facts),
    )


def _answer_entry(answer: SavedAnnotation) -> AnnotationEntry:
    return AnnotationEntry(
        annotation=answer.annotation,
        label_map=str(answer.label_map.path.resolve()) if answer.label_map else "",
        label_sha256=answer.label_sha256,
        edited_mask=str(answer.edited_mask.path.resolve()) if answer.edited_mask else "",
    )


def _bring_parent(revisions: Revisions, parent: ModelRevision, folder: Path) -> None:
    """Copy the parent's package, and what it had learned from: those answers were replayed, not new."""
    again = Revisions(folder)
    shutil.copytree(revisions.project / parent.package, folder / parent.package)
    learned = revisions.data().get(parent.data_revision_id)
    if learned is not None:
        again.journal.append(DataEntry(revision=learned))
    again.journal.append(ModelEntry(revision=parent))
