"""A run's folder: a ledger line for every finished case, then ``results.csv`` and ``run.json``."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from napari_medclf.atomic import atomic_write, sweep
from napari_medclf.domain.errors import OptionError, WriteError
from napari_medclf.domain.run import CaseRecord, CaseStatus, RunRecord, RunSpec
from napari_medclf.store.digests import file_sha256
from napari_medclf.store.files import safe_name
from napari_medclf.store.journal import Journal
from napari_medclf.store.results_csv import results_csv

LEDGER = "ledger.jsonl"
RUN = "run.json"
RESULTS = "results.csv"
CASES = "cases"


class _Start(BaseModel):
    """The ledger's first line: what is being run."""

    model_config = ConfigDict(frozen=True)

    kind: Literal["start"] = "start"
    command: str
    weights_sha256: str = ""


class _Finished(BaseModel):
    """One case is over, its outputs on disk."""

    model_config = ConfigDict(frozen=True)

    kind: Literal["case"] = "case"
    case: CaseRecord


@dataclass(frozen=True)
class RunFolder:
    """A folder that a run writes to, and from which it can be resumed after a kill."""

    folder: Path

    @classmethod
    def start(cls, folder: Path, spec: RunSpec, *, weights_sha256: str = "", resume: bool = False) -> RunFolder:
        """Begin a run, or go on with the one that is there.

        Raises
        ------
        OptionError
            If a run is there and `resume` is False, or it was made by another command or model.
        WriteError
            If the folder cannot be written.
        """
        run = cls(folder)
        start = _Start(command=spec.command, weights_sha256=weights_sha256)
        earlier = run._earlier_start()
        if earlier is None:
            run._journal.append(start)
            return run
        if not resume:
            raise OptionError(
                f"{folder}: holds a run already. Say --resume to go on with it, or choose another folder."
            )
        if earlier != start:
            raise OptionError(
                f"{folder}: the run there is by another {'model' if earlier.command == start.command else 'command'}; "
                "its results would be mixed. Choose another folder."
            )
        for path in (folder, *folder.rglob("*")):
            if path.is_dir():
                sweep(path)
        return run

    @classmethod
    def read(cls, folder: Path) -> RunRecord:
        """Read the ``run.json`` of a finished run.

        Raises
        ------
        OptionError
            If there is none, or it is damaged.
        """
        path = folder / RUN if folder.is_dir() else folder
        try:
            return RunRecord.model_validate_json(path.read_bytes())
        except OSError as error:
            raise OptionError(f"{path}: cannot be read ({error.strerror or error}).") from error
        except ValidationError as error:
            first = error.errors()[0]
            raise OptionError(
                f"{path}: is no run record ({'.'.join(map(str, first['loc']))}: {first['msg']})."
            ) from error

    @property
    def _journal(self) -> Journal:
        return Journal(self.folder / LEDGER)

    def case_folder(self, case_id: str) -> Path:
        """Where a case's outputs go."""
        return self.folder / CASES / safe_name(case_id)

    def record(self, case: CaseRecord) -> None:
        """Write down that a case is over; its outputs are on disk by now.

        Raises
        ------
        WriteError
            If it cannot be written.
        """
        self._journal.append(_Finished(case=case))

    def digests(self, outputs: Iterable[Path]) -> dict[str, str]:
        """Hash outputs for a `CaseRecord`: path below the run's folder to SHA-256."""
        return {path.relative_to(self.folder).as_posix(): file_sha256(path) for path in outputs}

    def records(self) -> dict[str, CaseRecord]:
        """Every case's newest record, by source, as the ledger has them."""
        found: dict[str, CaseRecord] = {}
        for raw in self._journal.entries():
            if raw.get("kind") != "case":
                continue
            try:
                case = _Finished.model_validate(raw).case
            except ValidationError:  # torn into something that is JSON, or of another version: do it again
                continue
            found[case.source] = case
        return found

    def finished(self) -> dict[str, CaseRecord]:
        """The cases that need not be done again, by source: done, with every output as it was written."""
        return {
            source: case
            for source, case in self.records().items()
            if case.status is CaseStatus.DONE and self._are_intact(case.outputs)
        }

    def finish(self, record: RunRecord) -> None:
        """Write ``results.csv`` and ``run.json``.

        Raises
        ------
        WriteError
            If they cannot be written.
        """
        try:
            atomic_write(self.folder / RESULTS, results_csv(record))
            atomic_write(self.folder / RUN, record.model_dump_json(indent=1) + "\n")
        except OSError as error:
            raise WriteError(f"{self.folder}: cannot be written ({error.strerror or error}).") from error

    def _earlier_start(self) -> _Start | None:
        for raw in self._journal.entries():
            if raw.get("kind") != "start":
                continue
            try:
                return _Start.model_validate(raw)
            except ValidationError as error:
                raise OptionError(f"{self._journal.path}: is of a newer version; choose another folder.") from error
        return None

    def _are_intact(self, outputs: dict[str, str]) -> bool:
        paths = {self.folder / name: digest for name, digest in outputs.items()}
        return all(path.is_file() and file_sha256(path) == digest for path, digest in paths.items())
