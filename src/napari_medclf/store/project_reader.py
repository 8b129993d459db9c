"""Reading a project: its cases with all that was said about them, and what they are to learn from."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from pydantic import ValidationError

from napari_medclf.domain.annotation import CaseState, Status
from napari_medclf.domain.dataset import Dataset
from napari_medclf.domain.errors import DatasetError, unknown_choice
from napari_medclf.domain.mark import Mark
from napari_medclf.store.project_case import ProjectCase, SavedAnnotation
from napari_medclf.store.project_dataset import finished_dataset
from napari_medclf.store.project_entries import ProjectInfo
from napari_medclf.store.project_files import sweep_project
from napari_medclf.store.project_log import ProjectLog

INFO_NAME = "project.json"


@dataclass(frozen=True)
class ProjectReader:
    """A project folder, to be read. It holds no state: two processes may use one folder at the same time."""

    folder: Path
    info: ProjectInfo
    notes: tuple[str, ...] = field(default=(), compare=False)
    """What was repaired on opening, as sentences."""

    @staticmethod
    def is_project(folder: Path) -> bool:
        """Tell whether a folder is a project of ours."""
        return (folder / INFO_NAME).is_file()

    @classmethod
    def open(cls, folder: Path, *, sweeps: bool = True) -> Self:
        """Open a project, sweeping what killed writers left.

        Parameters
        ----------
        sweeps : bool
            False leaves that out, which looks into every folder of a case: for a project that is open already.

        Raises
        ------
        DatasetError
            If it is no project, or one of a newer version.
        """
        path = folder / INFO_NAME
        try:
            info = ProjectInfo.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            raise DatasetError(f"{folder}: is no project; it has no {INFO_NAME}.") from None
        except NotADirectoryError:
            raise DatasetError(f"{folder}: is a file; the folder of a project was expected.") from None
        except OSError as error:
            raise DatasetError(f"{path}: cannot be read ({error.strerror}).") from error
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"])) or "content"
            raise DatasetError(f"{path}: is damaged or of a newer version ({where}: {first['msg']}).") from error
        return cls(folder, info, _recover(folder) if sweeps else ())

    @property
    def _log(self) -> ProjectLog:
        return ProjectLog(self.folder)

    def cases(self) -> tuple[ProjectCase, ...]:
        """All images with all versions of their answers, in the order they were added.

        Raises
        ------
        DatasetError
            If an entry of the journal is not understood, as of a newer version.
        """
        return self._log.cases()

    def case(self, case_id: str) -> ProjectCase:
        """Find a case; reads only its own entries.

        Raises
        ------
        DatasetError
            If there is none, with the nearest one.
        """
        found = self._log.case(case_id)
        if found is None:
            raise DatasetError(f"{self.folder}: {unknown_choice('case', case_id, self._log.case_entries())}")
        return found

    def case_of(self, image_digest: str) -> ProjectCase | None:
        """Find the case of an image by its samples; reads only its own entries. None where it was not added."""
        return self._log.case_of_digest(image_digest)

    def annotations(self, case_id: str) -> tuple[SavedAnnotation, ...]:
        """All versions of the answer for one case, oldest first."""
        return self.case(case_id).versions

    def worklist(self, status: Status | None = Status.OPEN) -> tuple[ProjectCase, ...]:
        """The cases with a status, in the order they were added; None for all."""
        return tuple(case for case in self.cases() if status is None or case.status is status)

    def in_state(self, *states: CaseState) -> tuple[ProjectCase, ...]:
        """The cases in one of some states, in the order they were added; all where none is named."""
        return tuple(case for case in self.cases() if not states or case.state in states)

    def dataset(self) -> Dataset:
        """The finished cases, to learn from.

        Raises
        ------
        DatasetError
            If nothing is finished yet.
        """
        return finished_dataset(self.folder, self.info, self.cases())

    def marks(self, case_id: str = "") -> tuple[Mark, ...]:
        """What holds now, of one case or all: each author's newest mark about each thing, without withdrawn ones."""
        newest = {(mark.author, mark.about): mark for mark in self._log.marks(case_id)}
        return tuple(mark for mark in newest.values() if not mark.is_withdrawn)

    def mark_history(self, case_id: str = "") -> tuple[Mark, ...]:
        """Every mark that was ever made, oldest first."""
        return self._log.marks(case_id)


def _recover(folder: Path) -> tuple[str, ...]:
    """Sweep temporary files of dead writers and tell what was found; a read-only folder is left alone."""
    swept = sweep_project(folder)
    torn = ProjectLog(folder).journal.count_torn()
    if not swept and not torn:
        return ()
    found = f"removed {swept} temporary files, skipped {torn} torn or damaged lines of journal.jsonl"
    advice = " `medclf audit` tells whether anything is missing." if torn else ""
    return (f"Recovered after an interrupted save: {found}.{advice}",)
