"""The journal of a project: cases and answers in, cases with all their answers out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from napari_medclf.domain.dataset import FileRef
from napari_medclf.domain.errors import DatasetError
from napari_medclf.store.journal import Journal
from napari_medclf.store.project_entries import AnnotationEntry, CaseEntry, ProjectCase, SavedAnnotation

Entry = TypeVar("Entry", bound=BaseModel)


@dataclass(frozen=True)
class ProjectLog:
    """Reads and writes ``journal.jsonl`` of the project in `folder`."""

    folder: Path

    @property
    def journal(self) -> Journal:
        """The file behind it."""
        return Journal(self.folder / "journal.jsonl")

    def add_case(self, case_id: str, group_id: str, image: FileRef, image_digest: str) -> None:
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
            )
        )

    def add_annotation(self, entry: AnnotationEntry) -> SavedAnnotation:
        """Write down an answer, whose files are on disk by now."""
        self.journal.append(entry)
        return self._saved(entry)

    def case_entries(self) -> dict[str, CaseEntry]:
        """The images by case id; where two processes took one id, the first has it."""
        entries: dict[str, CaseEntry] = {}
        for raw in self.journal.entries(containing='"kind":"case"'):
            if raw.get("kind") == "case":
                one = self._understood(CaseEntry, raw)
                entries.setdefault(one.case_id, one)
        return entries

    def annotation_entries(self, case_id: str = "") -> list[AnnotationEntry]:
        """The answers for a case, or all, oldest first."""
        about = f'"{case_id}"' if case_id else '"kind":"annotation"'
        entries = self.journal.entries(containing=about)
        return [self._understood(AnnotationEntry, raw) for raw in entries if raw.get("kind") == "annotation"]

    def with_versions(
        self, cases: Mapping[str, CaseEntry], annotations: Sequence[AnnotationEntry]
    ) -> tuple[ProjectCase, ...]:
        """Bring images and answers together."""
        versions: dict[str, list[SavedAnnotation]] = {case_id: [] for case_id in cases}
        for said in annotations:
            if said.annotation.case_id in versions:
                versions[said.annotation.case_id].append(self._saved(said))
        return tuple(
            ProjectCase(
                case_id=one.case_id,
                group_id=one.group_id,
                image=FileRef(self.folder / one.path, one.member),  # an absolute path stays itself
                image_digest=one.image_digest,
                versions=tuple(versions[one.case_id]),
            )
            for one in cases.values()
        )

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
            label_map=FileRef(self.folder / entry.label_map) if entry.label_map else None,
            edited_mask=FileRef(self.folder / entry.edited_mask) if entry.edited_mask else None,
            label_sha256=entry.label_sha256,
        )
