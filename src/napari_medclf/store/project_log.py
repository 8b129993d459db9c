"""The journal of a project: cases, answers, predictions and marks in; cases with all of it out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from napari_medclf.domain.annotation import Status
from napari_medclf.domain.dataset import FileRef
from napari_medclf.domain.errors import DatasetError
from napari_medclf.domain.mark import Mark
from napari_medclf.store.audited_journal import AuditedJournal
from napari_medclf.store.journal import Journal
from napari_medclf.store.project_case import ProjectCase, SavedAnnotation, SavedPrediction
from napari_medclf.store.project_entries import AnnotationEntry, CaseEntry, LockEntry, MarkEntry, PredictionEntry

Entry = TypeVar("Entry", bound=BaseModel)


@dataclass(frozen=True)
class ProjectLog:
    """Reads and writes ``journal.jsonl`` of the project in `folder`."""

    folder: Path

    @property
    def journal(self) -> Journal:
        """The file behind it."""
        return AuditedJournal(self.folder / "journal.jsonl")

    def add_case(
        self, case_id: str, group_id: str, image: FileRef, image_digest: str, facts: Mapping[str, str] | None = None
    ) -> None:
        """Write down that an image was added; a path inside the project is kept relative to it."""
        path = image.path.resolve()
        inside = path.is_relative_to(self.folder.resolve())
        self.journal.append(
            CaseEntry(
                case_id=case_id,
                group_id=group_id or case_id,
                path=path.relative_to(self.folder.resolve()).as_posix() if inside else str(path),
                member=image.member,
                image_digest=image_digest,
                facts=dict(facts or {}),
            )
        )

    def add_annotation(self, entry: AnnotationEntry) -> SavedAnnotation:
        """Write down an answer, whose files are on disk by now."""
        self.journal.append(entry)
        return self._saved(entry)

    def add_prediction(self, entry: PredictionEntry) -> SavedPrediction:
        """Write down what a model said, whose files are on disk by now."""
        self.journal.append(entry)
        return self._predicted(entry)

    def case_entries(self) -> dict[str, CaseEntry]:
        """The images by case id; where two processes took one id, the first has it."""
        entries: dict[str, CaseEntry] = {}
        for raw in self.journal.entries(containing='"kind":"case"'):
            if raw.get("kind") == "case":
                one = self._understood(CaseEntry, raw)
                entries.setdefault(one.case_id, one)
        return entries

    def cases(self) -> tuple[ProjectCase, ...]:
        """All cases with everything that was said about them, in the order they were added."""
        return self._gather("")

    def case(self, case_id: str) -> ProjectCase | None:
        """One case; only its own lines are parsed."""
        found = (one for one in self._gather(f'"case_id":"{case_id}"') if one.case_id == case_id)
        return next(found, None)

    def case_of_digest(self, image_digest: str) -> ProjectCase | None:
        """The case of an image; only lines that name its digest are parsed."""
        raws = [raw for raw in self.journal.entries(f'"image_digest":"{image_digest}"') if raw.get("kind") == "case"]
        cases = (self.case(self._understood(CaseEntry, raw).case_id) for raw in raws)
        # Another process may have been faster with that name.
        return next((one for one in cases if one is not None and one.image_digest == image_digest), None)

    def marks(self, case_id: str = "") -> tuple[Mark, ...]:
        """Every mark, or those of one case, oldest first; replaced and withdrawn ones too."""
        raws = self.journal.entries(containing='"kind":"mark"')
        marks = (self._understood(MarkEntry, raw).mark for raw in raws if raw.get("kind") == "mark")
        return tuple(one for one in marks if case_id in ("", one.case_id))

    def _gather(self, containing: str) -> tuple[ProjectCase, ...]:
        """Read the journal once, in its own order, which tells what was said while a case was locked."""
        gathered: dict[str, _Gathered] = {}
        for raw in self.journal.entries(containing):
            kind = raw.get("kind")
            if kind == "case":
                case = self._understood(CaseEntry, raw)
                gathered.setdefault(case.case_id, _Gathered(case))
            elif kind == "annotation":
                said = self._understood(AnnotationEntry, raw)
                _add_version(gathered.get(said.annotation.case_id), self._saved(said))
            elif kind == "prediction":
                predicted = self._predicted(self._understood(PredictionEntry, raw))
                if predicted.entry.case_id in gathered:
                    gathered[predicted.entry.case_id].predictions.append(predicted)
            elif kind == "lock":
                lock = self._understood(LockEntry, raw)
                if lock.case_id in gathered:
                    gathered[lock.case_id].is_locked = lock.is_locked
        return tuple(one.case(self.folder) for one in gathered.values())

    def _understood(self, model: type[Entry], raw: dict[str, Any]) -> Entry:
        try:
            return model.model_validate(raw)
        except ValidationError as error:
            raise DatasetError(
                f"{self.journal.path}: an entry is not understood ({error.errors()[0]['msg']}); "
                "the project may be of a newer version."
            ) from error

    def _saved(self, entry: AnnotationEntry) -> SavedAnnotation:
        return SavedAnnotation(
            annotation=entry.annotation,
            label_map=self._ref(entry.label_map),
            edited_mask=self._ref(entry.edited_mask),
            label_sha256=entry.label_sha256,
            adjudicates=entry.adjudicates,
        )

    def _predicted(self, entry: PredictionEntry) -> SavedPrediction:
        return SavedPrediction(entry, self._ref(entry.label_map), self._ref(entry.embedding))

    def _ref(self, relative: str) -> FileRef | None:
        return FileRef(self.folder / relative) if relative else None


@dataclass
class _Gathered:
    """A case while its lines are read."""

    entry: CaseEntry
    versions: list[SavedAnnotation] = field(default_factory=list)
    predictions: list[SavedPrediction] = field(default_factory=list)
    is_locked: bool = False

    def case(self, folder: Path) -> ProjectCase:
        one = self.entry
        return ProjectCase(
            case_id=one.case_id,
            group_id=one.group_id,
            image=FileRef(folder / one.path, one.member),  # an absolute path stays itself
            image_digest=one.image_digest,
            facts=one.facts,
            versions=tuple(self.versions),
            predictions=tuple(self.predictions),
            is_locked=self.is_locked,
        )


def _add_version(case: _Gathered | None, version: SavedAnnotation) -> None:
    if case is None:
        return
    if case.is_locked:
        version = replace(version, is_late=True)
    elif version.annotation.status is Status.LOCKED:
        case.is_locked = True
    case.versions.append(version)
