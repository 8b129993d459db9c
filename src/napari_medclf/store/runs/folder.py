"""A run's folder: the ledger, a folder a case, and ``results.csv`` and ``run.json`` made from the ledger."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from napari_medclf.domain.errors import OptionError
from napari_medclf.domain.events import FinishReason
from napari_medclf.domain.run import CaseRecord, CaseStatus, RunRecord
from napari_medclf.store.digests import file_sha256
from napari_medclf.store.files import safe_name
from napari_medclf.store.runs.case_files import whole_folder
from napari_medclf.store.runs.faults import gone
from napari_medclf.store.runs.ledger import Ledger

RUN = "run.json"
RESULTS = "results.csv"
CASES = "cases"
_NOT_ENDED = "The run goes on, or was killed."


@dataclass(frozen=True)
class RunFolder:
    """A folder that a run writes to; any process may make one, to read it or to write the files of a case."""

    folder: Path

    @classmethod
    def read(cls, folder: Path) -> RunRecord:
        """Read the ``run.json`` of a run that has ended.

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
    def ledger(self) -> Ledger:
        """The ledger, for reading; it may not be there yet."""
        return Ledger(self.folder)

    def case_folder(self, case_id: str) -> Path:
        """Where a case's files are; a case whose id holds ``/`` lies in folders."""
        return self.folder.joinpath(CASES, *map(safe_name, case_id.split("/")))

    @contextmanager
    def case_files(self, folder: Path) -> Iterator[Path]:
        """Give a folder to write a case's files into; it becomes `folder` in one step, once all are on the disk.

        Parameters
        ----------
        folder : Path
            Below the run's folder, such as `case_folder`.

        Raises
        ------
        OutputsLost
            If the run's folder is gone.
        OSError
            If it cannot be written.
        """
        if not self.ledger.exists():
            raise gone(self.folder)
        with whole_folder(folder) as new:
            yield new

    def digests(self, outputs: Sequence[Path], written: Path = Path(), becomes: Path = Path()) -> dict[str, str]:
        """Hash outputs for a `CaseRecord`: path below the run's folder to SHA-256.

        Parameters
        ----------
        written, becomes : Path
            Within `case_files`: the folder that was given, and the one that it becomes.
        """
        names = ((becomes / path.relative_to(written)).relative_to(self.folder).as_posix() for path in outputs)
        return dict(zip(names, map(file_sha256, outputs), strict=True))

    def records(self) -> dict[str, CaseRecord]:
        """Every case's record, by source, as the ledger has them; none where there is no ledger."""
        return self.ledger.records()

    def finished(self) -> dict[str, CaseRecord]:
        """The cases that are done, with every output as it was written, by source."""
        return {
            source: case
            for source, case in self.records().items()
            if case.status is CaseStatus.DONE and self.are_intact(case.outputs)
        }

    def is_kept(self, case: CaseRecord, input_sha256: str, answered_by: str) -> bool:
        """Whether a case need not be done again: done, same image, same model and options, outputs as written."""
        return (
            case.status is CaseStatus.DONE
            and (case.input_sha256, case.answered_by) == (input_sha256, answered_by)
            and self.are_intact(case.outputs)
        )

    def are_intact(self, outputs: dict[str, str]) -> bool:
        """Whether all files are there with their digests."""
        try:
            return all(file_sha256(self.folder / name) == digest for name, digest in outputs.items())
        except OSError:
            return False

    def each_case(self, *, with_traits: bool = True) -> Iterator[CaseRecord]:
        """Give every case's record in the order of the run, a few hundred in memory at a time.

        Parameters
        ----------
        with_traits : bool
            Whether to read `CaseRecord.traits`, of which a case has dozens.

        Raises
        ------
        OptionError
            If the ledger cannot be read.
        """
        return (row.record() for row in self.ledger.each_row(with_traits=with_traits))

    def record(self, *, with_traits: bool = True) -> RunRecord:
        """Make the record of a run from its ledger, also of one that goes on or was killed; see `each_case`.

        Raises
        ------
        OptionError
            If there is no ledger, or it cannot be read.
        """
        head = self.head()
        return head.model_copy(update={"cases": tuple(self.each_case(with_traits=with_traits))})

    def head(self) -> RunRecord:
        """Make the record of a run without its cases, of which there may be very many.

        Raises
        ------
        OptionError
            If there is no ledger, or it cannot be read.
        """
        run = Ledger.open(self.folder).run()
        return RunRecord(
            spec=run.spec,
            model=run.model,
            model_version=run.model_version,
            weights_sha256=run.weights_sha256,
            device=run.device or "cpu",
            finish_reason=FinishReason(run.finish_reason or FinishReason.CANCELED),
            message=run.message if run.finish_reason else _NOT_ENDED,
            started=run.started,
            elapsed_s=run.elapsed_s,
        )
