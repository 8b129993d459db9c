"""The revisions of a project's model: packages that are never changed, what each learned from, and which one is in use.

::

    revisions.jsonl               revisions of models and of data, and every change of the one in use, append-only
    revisions/<id>/               a model package
    revisions/current.json        which one is in use
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from napari_medclf.atomic import atomic_write
from napari_medclf.domain.errors import CardError, DatasetError, WriteError, unknown_choice
from napari_medclf.domain.package import ModelPackage
from napari_medclf.domain.revision import DataRevision, ModelRevision
from napari_medclf.store.audited_journal import AuditedJournal
from napari_medclf.store.authorship import now_utc
from napari_medclf.store.bundle import is_package, read_package, verify_package

_FOLDER = "revisions"
_ID_DIGITS = 8

Entry = TypeVar("Entry", bound=BaseModel)
Reason = Literal["import", "accept", "roll-back"]
"""Why a revision came into use."""


class ModelEntry(BaseModel):
    """A line of the journal: a revision of the model was made."""

    model_config = ConfigDict(frozen=True)

    kind: Literal["model"] = "model"
    revision: ModelRevision


class DataEntry(BaseModel):
    """A line of the journal: a revision of what is learned from."""

    model_config = ConfigDict(frozen=True)

    kind: Literal["data"] = "data"
    revision: DataRevision


class Switch(BaseModel):
    """A line of the journal, and the pointer: a person chose the revision to be used.

    The line is written before the pointer, which decides: a line whose pointer could not be written took no effect.
    """

    model_config = ConfigDict(frozen=True)

    kind: Literal["switch"] = "switch"
    revision_id: str
    reason: Reason
    author: str
    created: str


@dataclass(frozen=True)
class Revisions:
    """The revisions in a project's folder; holds no state, two processes may use one folder at the same time."""

    project: Path

    @property
    def journal(self) -> AuditedJournal:
        """The file of all revisions."""
        return AuditedJournal(self.project / "revisions.jsonl")

    def models(self) -> tuple[ModelRevision, ...]:
        """All revisions of the model, oldest first.

        Raises
        ------
        DatasetError
            If an entry is not understood, as of a newer version.
        """
        return tuple(one.revision for one in self._read(ModelEntry, "model"))

    def data(self) -> dict[str, DataRevision]:
        """All revisions of what was learned from, by id."""
        return {one.revision.revision_id: one.revision for one in self._read(DataEntry, "data")}

    def switches(self) -> tuple[Switch, ...]:
        """Every change of the revision in use that was begun, oldest first."""
        return tuple(self._read(Switch, "switch"))

    def find(self, revision_id: str) -> ModelRevision:
        """Find a revision by its id, or by its number such as ``r0003`` where that is enough.

        Raises
        ------
        DatasetError
            If there is none, with the nearest.
        """
        known = {one.revision_id: one for one in self.models()}
        short = [name for name in known if revision_id and name.startswith(f"{revision_id}-")]
        name = short[0] if len(short) == 1 else revision_id
        if name not in known:
            raise DatasetError(f"{self.project}: {unknown_choice('revision', revision_id, known)}")
        return known[name]

    def package(self, revision: ModelRevision) -> ModelPackage:
        """Read a revision's package and make sure that its weights are the ones that were kept.

        Raises
        ------
        CardError
            If it is gone or was changed.
        """
        package = read_package(self.project / revision.package)
        verify_package(package)
        if package.card.weights_sha256 != revision.weights_sha256:
            raise CardError(
                f"{package.folder}: holds other weights than the revision {revision.revision_id} was kept with."
            )
        return package

    def current(self) -> ModelRevision | None:
        """Tell which revision is in use; None before there is any.

        Raises
        ------
        DatasetError
            If the pointer is damaged.
        """
        path = self._pointer
        try:
            chosen = Switch.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValidationError) as error:
            raise DatasetError(
                f"{path}: cannot be understood. Choose again with `medclf revisions accept`; "
                f"there are {', '.join(one.revision_id for one in self.models()) or 'none yet'}."
            ) from error
        return self.find(chosen.revision_id)

    def add(
        self, draft: ModelRevision, write_package: Callable[[Path], ModelPackage], data: DataRevision | None = None
    ) -> ModelRevision:
        """Keep a new revision; it is there whole, or not at all, and is not in use yet.

        Parameters
        ----------
        draft : ModelRevision
            With its `weights_sha256`; id, package and time are filled in here.
        write_package : callable
            Writes the package to the folder it gets, atomically.

        Raises
        ------
        WriteError
            If something cannot be written; what was there is intact.
        """
        number = 1 + max((_number(one.revision_id) for one in self.models()), default=0)
        revision_id = f"r{number:04d}-{draft.weights_sha256[:_ID_DIGITS]}"
        relative = f"{_FOLDER}/{revision_id}"
        folder = self.project / relative
        if not _holds(folder, draft.weights_sha256):  # a kill may have left it without an entry
            write_package(folder)
        changes = {"revision_id": revision_id, "package": relative, "created": draft.created or now_utc()}
        revision = draft.model_copy(update=changes)
        self.package(revision)
        if data is not None and data.revision_id not in self.data():
            self.journal.append(DataEntry(revision=data))
        self.journal.append(ModelEntry(revision=revision))
        return revision

    def use(self, revision: ModelRevision, reason: Reason, author: str) -> ModelPackage:
        """Make a revision the one in use; its package is verified first.

        Raises
        ------
        CardError
            If its package is gone or was changed; the one in use stays.
        WriteError
            If it cannot be written; the one in use stays.
        """
        package = self.package(revision)
        switch = Switch(revision_id=revision.revision_id, reason=reason, author=author, created=now_utc())
        self.journal.append(switch)
        try:
            atomic_write(self._pointer, switch.model_dump_json(indent=1) + "\n")
        except OSError as error:
            raise WriteError(f"{self._pointer}: cannot be written ({error.strerror or error}).") from error
        return package

    def earlier(self) -> ModelRevision | None:
        """Tell which revision was in use before the one that is now; None where that is the first."""
        current = self.current()
        used: list[str] = []
        for one in self.switches():
            if one.reason == "roll-back" and one.revision_id in used:
                del used[used.index(one.revision_id) + 1 :]
            elif one.revision_id not in used:
                used.append(one.revision_id)
        if current is None or current.revision_id not in used:
            return None
        place = used.index(current.revision_id)
        return self.find(used[place - 1]) if place else None

    @property
    def _pointer(self) -> Path:
        return self.project / _FOLDER / "current.json"

    def _read(self, model: type[Entry], kind: str) -> list[Entry]:
        try:
            raw = [one for one in self.journal.entries(containing=f'"kind":"{kind}"') if one.get("kind") == kind]
            return [model.model_validate(one) for one in raw]
        except ValidationError as error:
            raise DatasetError(
                f"{self.journal.path}: an entry is not understood ({error.errors()[0]['msg']}); "
                "the project may be of a newer version."
            ) from error


def _number(revision_id: str) -> int:
    digits = revision_id[1:].partition("-")[0]
    return int(digits) if digits.isdigit() else 0


def _holds(folder: Path, weights_sha256: str) -> bool:
    if not is_package(folder):
        return False
    try:
        package = read_package(folder)
        verify_package(package)
    except CardError:
        return False
    return package.card.weights_sha256 == weights_sha256
