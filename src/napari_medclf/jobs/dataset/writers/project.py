"""A project of ours: images by digest, every answer with who gave it, ready to be corrected further."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from napari_medclf.domain.card import Task
from napari_medclf.jobs.dataset.writers.base import VOLUME, Writer, save_labels, write_document

if TYPE_CHECKING:
    from pathlib import Path

    from napari_medclf.domain.annotation import Annotation
    from napari_medclf.domain.arrays import LabelArray
    from napari_medclf.domain.dataset import Case
    from napari_medclf.domain.image import MedImage
    from napari_medclf.store.project import Project, ProjectCase


@dataclass
class ProjectWriter(Writer):
    """A project whose cases are finished; images are referred to where they lie, or copied.

    Images that are one of many in a file, or of several channels in files of their own, are written into the project.
    """

    is_copied: bool = False
    project: Project | None = None

    tasks: ClassVar[tuple[Task, ...]] = (Task.CLASSIFY, Task.SEGMENT, Task.INSTANCES)
    summary: ClassVar[str] = "a project, to be corrected further"

    def put(self, case: Case, image: MedImage) -> None:
        """Add one case with its answer."""
        from napari_medclf.io.digest import array_digest

        labels = None if self.dataset.task is Task.CLASSIFY else self.reader.reference(case, image).labels
        project = self._project()
        digest = array_digest(np.asarray(image.data))
        added = project.add_case(
            next(iter(case.images.values())),
            image_digest=digest,
            group_id=case.group_id,
            case_id=case.case_id,
            copy=self.is_copied,
            facts=case.facts,
        )
        project.save_annotation(
            _annotation(added, case, labels),
            write_labels=None if labels is None else lambda path: _save(labels, image, path),
        )

    def refuse(self) -> str:
        """A project holds one image a case."""
        has_many = any(len(case.images) > 1 for case in self.dataset.cases)
        return "cases have several images each; export them as a table first" if has_many else ""

    def finish(self) -> None:
        """Write the splits beside, which opening the project obeys."""
        from napari_medclf.domain.dataset import Split

        splits = {one.value: [case.case_id for case in self.done if case.split is one] for one in Split}
        if any(splits.values()):
            write_document(self.folder / "splits.json", splits)

    def _project(self) -> Project:
        from napari_medclf.store.project import Project

        if self.project is None:
            self.project = Project.create(
                self.folder,
                name=self.dataset.name,
                task=self.dataset.task,
                classes=self.dataset.schema,
                is_exclusive=self.dataset.is_exclusive,
            )
        return self.project


def _annotation(added: ProjectCase, case: Case, labels: LabelArray | None) -> Annotation:
    from napari_medclf.domain.annotation import Annotation, Origin
    from napari_medclf.io.digest import array_digest
    from napari_medclf.store.project import current_author, now_utc

    return Annotation(
        case_id=added.case_id,
        group_id=added.group_id,
        image_digest=added.image_digest,
        label_digest="" if labels is None else array_digest(labels),
        classes=case.classes if labels is None else None,
        origin=Origin.MANUAL,
        author=current_author(),
        n_edited_vox=0 if labels is None else int(np.count_nonzero(labels)),
        created=now_utc(),
    )


def _save(labels: LabelArray, image: MedImage, path: Path) -> None:
    save_labels(labels, image, path.parent, path.name.removesuffix(VOLUME), VOLUME)
