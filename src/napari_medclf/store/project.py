"""A project on disk: images by digest, every saved answer of a person, kept for ever.

::

    project.json                     name, task, classes, schema_version
    journal.jsonl                    cases and annotations, append-only: the truth
    labels/<case_id>/<version>.nii.gz
    edited/<case_id>/<version>.nii.gz    where a person painted
    images/                          copies, where asked for
"""

from __future__ import annotations

import getpass
import shutil
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError

from napari_medclf.atomic import atomic_write, atomic_writer, sweep
from napari_medclf.domain.annotation import Annotation, Status
from napari_medclf.domain.card import Task
from napari_medclf.domain.dataset import Case, Dataset, FileRef
from napari_medclf.domain.errors import DatasetError, WriteError, unknown_choice
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.store.digests import file_sha256
from napari_medclf.store.files import image_suffix, safe_name, stem
from napari_medclf.store.project_entries import (
    AnnotationEntry,
    ProjectCase,
    ProjectInfo,
    SavedAnnotation,
)
from napari_medclf.store.project_log import ProjectLog

__all__ = ["Project", "ProjectCase", "ProjectInfo", "SavedAnnotation", "WriteFile", "current_author", "now_utc"]

WriteFile = Callable[[Path], object]
"""Writes an image to the path it gets; the layer above knows formats."""

_INFO = "project.json"


@dataclass(frozen=True)
class Project:
    """A project folder. It holds no state: two processes may use one folder at the same time."""

    folder: Path
    info: ProjectInfo
    notes: tuple[str, ...] = field(default=(), compare=False)
    """What was repaired on opening, as sentences."""

    @staticmethod
    def is_project(folder: Path) -> bool:
        """Tell whether a folder is a project of ours."""
        return (folder / _INFO).is_file()

    @classmethod
    def create(cls, folder: Path, *, name: str, task: Task, classes: LabelSchema, is_exclusive: bool = True) -> Project:
        """Make a project in a folder that is new or empty.

        Raises
        ------
        WriteError
            If the folder holds something, or cannot be written.
        """
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise WriteError(f"{folder}: is not empty; choose a new folder for the project.")
        info = ProjectInfo(name=name, task=task, classes=classes, is_exclusive=is_exclusive, created=now_utc())
        try:
            atomic_write(folder / _INFO, info.model_dump_json(indent=1) + "\n")
        except OSError as error:
            raise WriteError(f"{folder}: cannot be written ({error.strerror or error}).") from error
        return cls(folder, info)

    @classmethod
    def open(cls, folder: Path) -> Project:
        """Open a project, sweeping what killed writers left.

        Raises
        ------
        DatasetError
            If it is no project, or one of a newer version.
        """
        path = folder / _INFO
        try:
            info = ProjectInfo.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            raise DatasetError(f"{folder}: is no project; it has no {_INFO}.") from None
        except OSError as error:
            raise DatasetError(f"{path}: cannot be read ({error.strerror}).") from error
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"])) or "content"
            raise DatasetError(f"{path}: is damaged or of a newer version ({where}: {first['msg']}).") from error
        return cls(folder, info, _recover(folder))

    @property
    def _log(self) -> ProjectLog:
        return ProjectLog(self.folder)

    def add_case(
        self, image: FileRef, *, image_digest: str, group_id: str = "", case_id: str = "", copy: bool = False
    ) -> ProjectCase:
        """Add an image; one that is here already (by digest) is returned as it is.

        Parameters
        ----------
        image : FileRef
            Referenced where it lies; relative to the project when inside it.
        image_digest : str
            SHA-256 of the samples (`io.digest.array_digest`).
        group_id : str
            Patient key; empty takes the case id.
        case_id : str
            Empty builds one from the file's name.
        copy : bool
            Copy the file into the project; for single files only.

        Raises
        ------
        WriteError
            If the journal or the copy cannot be written.
        """
        known = self._log.case_entries()
        name = next((entry.case_id for entry in known.values() if entry.image_digest == image_digest), "")
        if name:
            return self.case(name)
        wanted = safe_name(case_id or stem(image.path) + (f"-{image.member}" if image.member else ""))
        name = wanted if wanted not in known else f"{wanted}-{image_digest[:8]}"
        stored = self._copy(image, name) if copy else image
        self._log.add_case(name, group_id, stored, image_digest)
        if self._log.case_entries()[name].image_digest != image_digest:  # another process was faster with that name
            name = f"{wanted}-{image_digest[:8]}"
            self._log.add_case(name, group_id, stored, image_digest)
        return self.case(name)

    def save_annotation(
        self,
        annotation: Annotation,
        *,
        write_labels: WriteFile | None = None,
        write_edited: WriteFile | None = None,
        suffix: str = ".nii.gz",
    ) -> SavedAnnotation:
        """Keep one more version of an answer; when this returns, a kill cannot lose it.

        Parameters
        ----------
        annotation : Annotation
            Of a case of this project.
        write_labels, write_edited : callable or None
            Write the label image and the mask of edited voxels to the path they get.
        suffix : str
            Format of both.

        Raises
        ------
        DatasetError
            If the case is not here, or the answer is about another image.
        WriteError
            If something cannot be written; earlier versions are intact.
        """
        case = self.case(annotation.case_id)
        if annotation.image_digest != case.image_digest:
            raise DatasetError(
                f"{self.folder}: the answer for {case.case_id!r} is about another image than the project holds; "
                "the file was changed since it was added."
            )
        version = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:8]}{suffix}"
        labels = self._write(Path("labels") / case.case_id / version, write_labels)
        edited = self._write(Path("edited") / case.case_id / version, write_edited)
        digest = file_sha256(self.folder / labels) if labels else ""
        entry = AnnotationEntry(annotation=annotation, label_map=labels, label_sha256=digest, edited_mask=edited)
        return self._log.add_annotation(entry)

    def cases(self) -> tuple[ProjectCase, ...]:
        """All images with all versions of their answers, in the order they were added.

        Raises
        ------
        DatasetError
            If an entry of the journal is not understood, as of a newer version.
        """
        return self._log.with_versions(self._log.case_entries(), self._log.annotation_entries())

    def case(self, case_id: str) -> ProjectCase:
        """Find a case; reads only its own entries.

        Raises
        ------
        DatasetError
            If there is none, with the nearest one.
        """
        known = self._log.case_entries()
        if case_id not in known:
            raise DatasetError(f"{self.folder}: {unknown_choice('case', case_id, known)}")
        return self._log.with_versions({case_id: known[case_id]}, self._log.annotation_entries(case_id))[0]

    def annotations(self, case_id: str) -> tuple[SavedAnnotation, ...]:
        """All versions of the answer for one case, oldest first."""
        return self.case(case_id).versions

    def worklist(self, status: Status | None = Status.OPEN) -> tuple[ProjectCase, ...]:
        """The cases with a status, in the order they were added; None for all."""
        return tuple(case for case in self.cases() if status is None or case.status is status)

    def dataset(self) -> Dataset:
        """The finished cases, to learn from.

        Raises
        ------
        DatasetError
            If nothing is finished yet.
        """
        done = [(case, case.answer) for case in self.cases() if case.answer is not None]
        usable = [(case, answer) for case, answer in done if answer is not None and self._is_usable(answer)]
        lost = len(done) - len(usable)
        if not usable:
            raise DatasetError(f"{self.folder}: no case is finished yet; correct or accept some first.")
        return Dataset(
            name=self.info.name,
            task=self.info.task,
            schema=self.info.classes,
            cases=tuple(_learnable(case, answer) for case, answer in usable),
            path=self.folder,
            warnings=(f"{lost} finished cases have no labels or classes for this task and are not used.",)
            if lost
            else (),
            is_exclusive=self.info.is_exclusive,
        )

    def _is_usable(self, answer: SavedAnnotation) -> bool:
        if self.info.task is Task.CLASSIFY:
            return answer.annotation.classes is not None
        return answer.label_map is not None and answer.label_map.path.is_file()

    def _copy(self, image: FileRef, name: str) -> FileRef:
        if not image.path.is_file():
            raise WriteError(f"{image.path}: only single files can be copied into a project; reference it instead.")
        target = self.folder / "images" / f"{name}{image_suffix(image.path.name) or image.path.suffix}"
        try:
            with image.path.open("rb") as source, atomic_writer(target) as file:
                shutil.copyfileobj(source, file)
        except OSError as error:
            raise WriteError(f"{target}: cannot be written ({error.strerror or error}).") from error
        return FileRef(target, image.member)

    def _write(self, relative: Path, write: WriteFile | None) -> str:
        """Let the caller write a file that no other version has; returns its path, empty without one."""
        if write is None:
            return ""
        path = self.folder / relative
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write(path)
        except OSError as error:
            raise WriteError(f"{path}: cannot be written ({error.strerror or error}).") from error
        if not path.is_file():
            raise WriteError(f"{path}: was not written.")
        return relative.as_posix()


def now_utc() -> str:
    """The time as annotations write it: UTC, ISO 8601, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def current_author() -> str:
    """The operating system's user, or ``unknown`` where it has no name."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "unknown"


def _learnable(case: ProjectCase, answer: SavedAnnotation) -> Case:
    return Case(
        case_id=case.case_id,
        group_id=case.group_id,
        images={"image": case.image},
        label_map=answer.label_map,
        edited_mask=answer.edited_mask,
        classes=answer.annotation.classes or (),
    )


def _recover(folder: Path) -> tuple[str, ...]:
    """Sweep temporary files of dead writers and tell what was found; a read-only folder is left alone."""
    folders = [folder, *(path for part in ("labels", "edited", "images") for path in (folder / part).rglob("*"))]
    swept = sum(sweep(path) for path in folders if path.is_dir())
    torn = ProjectLog(folder).journal.count_torn()
    if not swept and not torn:
        return ()
    return (f"Recovered after an interrupted save: removed {swept} temporary files, skipped {torn} torn lines.",)
