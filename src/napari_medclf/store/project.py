"""A project on disk: images by digest, every saved answer of a person, kept for ever.

::

    project.json                     name, task, classes, schema_version
    journal.jsonl                    cases, answers, predictions, marks, append-only: the truth
    labels/<case_id>/<version>.nii.gz
    edited/<case_id>/<version>.nii.gz    where a person painted
    predictions/<case_id>/           labels and embeddings of models
    images/                          copies, where asked for
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from napari_medclf.atomic import atomic_write
from napari_medclf.domain.annotation import Annotation
from napari_medclf.domain.card import Task
from napari_medclf.domain.dataset import FileRef
from napari_medclf.domain.errors import DatasetError, WriteError
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.mark import Mark
from napari_medclf.store.authorship import current_author, now_utc
from napari_medclf.store.digests import file_sha256
from napari_medclf.store.files import safe_name, stem
from napari_medclf.store.project_case import ProjectCase, SavedAnnotation, SavedPrediction
from napari_medclf.store.project_entries import AnnotationEntry, LockEntry, MarkEntry, PredictionEntry, ProjectInfo
from napari_medclf.store.project_files import WriteFile, copy_image, is_of_strokes, new_version, write_file
from napari_medclf.store.project_reader import INFO_NAME, ProjectReader

__all__ = [
    "PredictionEntry",
    "Project",
    "ProjectCase",
    "ProjectInfo",
    "SavedAnnotation",
    "SavedPrediction",
    "WriteFile",
    "current_author",
    "now_utc",
]


@dataclass(frozen=True)
class Project(ProjectReader):
    """A project folder, to be read and written by as many processes as like to."""

    @classmethod
    def create(cls, folder: Path, *, name: str, task: Task, classes: LabelSchema, is_exclusive: bool = True) -> Project:
        """Make a project in a folder that is new, or holds nothing but what is kept of strokes before the first answer.

        Raises
        ------
        WriteError
            If the folder holds something else, or cannot be written.
        """
        if folder.exists() and (not folder.is_dir() or any(not is_of_strokes(path) for path in folder.iterdir())):
            raise WriteError(f"{folder}: is not empty; choose a new folder for the project.")
        info = ProjectInfo(name=name, task=task, classes=classes, is_exclusive=is_exclusive, created=now_utc())
        try:
            atomic_write(folder / INFO_NAME, info.model_dump_json(indent=1) + "\n")
        except OSError as error:
            raise WriteError(f"{folder}: cannot be written ({error.strerror or error}).") from error
        return cls(folder, info)

    def add_case(
        self,
        image: FileRef,
        *,
        image_digest: str,
        group_id: str = "",
        case_id: str = "",
        copy: bool = False,
        facts: Mapping[str, str] | None = None,
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
        facts : mapping or None
            What else is known of the case, such as sex, site or scanner; never a patient's name.

        Raises
        ------
        WriteError
            If the journal or the copy cannot be written.
        """
        known = self._log.case_of_digest(image_digest)
        if known is not None:
            return known
        wanted = safe_name(case_id or stem(image.path) + (f"-{image.member}" if image.member else ""))
        name = wanted if self._log.case(wanted) is None else f"{wanted}-{image_digest[:8]}"
        stored = copy_image(self.folder, image, name) if copy else image
        self._log.add_case(name, group_id, stored, image_digest, facts)
        if self.case(name).image_digest != image_digest:  # another process was faster with that name
            name = f"{wanted}-{image_digest[:8]}"
            self._log.add_case(name, group_id, stored, image_digest, facts)
        return self.case(name)

    def save_annotation(
        self,
        annotation: Annotation,
        *,
        write_labels: WriteFile | None = None,
        write_edited: WriteFile | None = None,
        suffix: str = ".nii.gz",
        adjudicates: tuple[str, ...] = (),
    ) -> SavedAnnotation:
        """Keep one more version of an answer; when this returns, a kill cannot lose it.

        Parameters
        ----------
        annotation : Annotation
            Of a case of this project. With the status LOCKED it also closes the case.
        write_labels, write_edited : callable or None
            Write the label image and the origin image (`domain.voxel_origin`) to the path they get.
        suffix : str
            Format of both.
        adjudicates : tuple of str
            The people between whose answers this one decides.

        Raises
        ------
        DatasetError
            If the case is not here or locked, or the answer is about another image.
        WriteError
            If something cannot be written; earlier versions are intact.
        """
        case = self._unlocked(annotation.case_id)
        if annotation.image_digest != case.image_digest:
            raise DatasetError(
                f"{self.folder}: the answer for {case.case_id!r} is about another image than the project holds; "
                "the file was changed since it was added."
            )
        version = new_version() + suffix
        labels = write_file(self.folder, Path("labels") / case.case_id / version, write_labels)
        edited = write_file(self.folder, Path("edited") / case.case_id / version, write_edited)
        entry = AnnotationEntry(
            annotation=annotation,
            label_map=labels,
            label_sha256=file_sha256(self.folder / labels) if labels else "",
            edited_mask=edited,
            adjudicates=adjudicates,
        )
        return self._log.add_annotation(entry)

    def save_prediction(
        self,
        entry: PredictionEntry,
        *,
        write_labels: WriteFile | None = None,
        write_embedding: WriteFile | None = None,
        suffix: str = ".nii.gz",
    ) -> SavedPrediction:
        """Keep what a model said about a case; locked cases may be predicted too, as that changes no answer.

        Parameters
        ----------
        entry : PredictionEntry
            Its paths are filled in here.
        write_labels, write_embedding : callable or None
            Write the labels, and the embedding as ``.npy``, to the path they get.

        Raises
        ------
        DatasetError
            If the case is not here.
        WriteError
            If something cannot be written; earlier predictions are intact.
        """
        folder = Path("predictions") / self.case(entry.case_id).case_id
        version = new_version()
        labels = write_file(self.folder, folder / f"{version}{suffix}", write_labels)
        embedding = write_file(self.folder, folder / f"{version}.npy", write_embedding)
        digest = file_sha256(self.folder / labels) if labels else ""
        paths = {"label_map": labels, "label_sha256": digest, "embedding": embedding}
        return self._log.add_prediction(entry.model_copy(update=paths))

    def lock(self, case_id: str, author: str = "", *, is_locked: bool = True) -> ProjectCase:
        """Close a case, so that no answer and no mark is taken for it any more, or open it again.

        Raises
        ------
        DatasetError
            If there is no such case, or one without an answer shall be locked.
        """
        case = self.case(case_id)
        if is_locked and case.answer is None:
            raise DatasetError(f"{self.folder}: {case_id!r} has no answer to lock yet; accept or correct it first.")
        if case.is_locked != is_locked:
            who = author or current_author()
            self._log.journal.append(LockEntry(case_id=case_id, is_locked=is_locked, author=who, created=now_utc()))
        return self.case(case_id)

    def unlock(self, case_id: str, author: str = "") -> ProjectCase:
        """Open a locked case again."""
        return self.lock(case_id, author, is_locked=False)

    def save_mark(self, mark: Mark) -> None:
        """Keep what a person said about a study, image, slice or object; when this returns, a kill cannot lose it.

        Raises
        ------
        DatasetError
            If the case is not here or locked.
        WriteError
            If it cannot be written.
        """
        self._unlocked(mark.case_id)
        self._log.journal.append(MarkEntry(case_id=mark.case_id, mark=mark))

    def _unlocked(self, case_id: str) -> ProjectCase:
        case = self.case(case_id)
        if case.is_locked:
            raise DatasetError(f"{self.folder}: {case_id!r} is locked; unlock it before you change it.")
        return case
