"""What a run is about: its plan, and one of its cases."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from napari_medclf.domain.dataset import FileRef
from napari_medclf.domain.run import CaseRecord, CaseStatus, RunSpec, SkipKind
from napari_medclf.jobs.json_text import printable
from napari_medclf.jobs.predict import RunOptions

if TYPE_CHECKING:
    from napari_medclf.domain.image import MedImage
    from napari_medclf.domain.package import ModelPackage
    from napari_medclf.io.report import Refusal


@dataclass(frozen=True, slots=True)
class RunCase:
    """One image to run a model on; `load` reads it.

    Parameters
    ----------
    reason : str
        Why this image was chosen, where a rule chose it.
    files : tuple of Path
        All files of the image, where the listing knows them; empty for the source's path alone.
    warnings : tuple of str
        What the image's answer shall also warn of, such as slices that never came.
    shown : str
        What ledger and results tell instead of the true place; empty where they tell that.
    """

    case_id: str
    source: FileRef
    load: Callable[[], MedImage]
    reason: str = ""
    files: tuple[Path, ...] = ()
    warnings: tuple[str, ...] = ()
    shown: str = ""

    @property
    def place(self) -> str:
        """Where the image is, as the ledger and the results write it."""
        return self.shown or printable(str(self.source))

    def conceal(self, text: str) -> str:
        """Tell in a sentence what results tell of the image's place."""
        from napari_medclf.jobs.outputs.case_names import conceal

        return conceal(text, self.source.path, self.shown) if self.shown else text


@dataclass(frozen=True)
class RunPlan:
    """What is run, how, and where the results go.

    Parameters
    ----------
    workers : int
        Processes that share the work, each with a model of its own.
    scheduler : str
        Address of a Dask scheduler whose workers do the work; empty for this computer.
    reduce_to_px : int
        As in `sources.load_image`.
    answered_by : str
        As in `CaseRecord.answered_by`.
    writes_files : bool
        Whether a case gets files of its own, beside its row in the results.
    readers : int
        Processes that read images; 0 reads on threads, and in processes once those cannot keep up.
    """

    spec: RunSpec
    package: ModelPackage
    options: RunOptions
    out: Path
    formats: tuple[str, ...] = ("auto",)
    resume: bool = False
    workers: int = 1
    reduce_to_px: int = 0
    answered_by: str = ""
    scheduler: str = ""
    writes_files: bool = True
    readers: int = 0

    @property
    def is_shared(self) -> bool:
        """Whether the work is done by other processes than the one that leads the run."""
        return bool(self.scheduler) or self.workers > 1


def refused(refusal: Refusal) -> CaseRecord:
    """Record a file that was refused before any model saw it."""
    return CaseRecord(
        case_id=printable(refusal.path.name),
        source=printable(str(refusal.path)),
        status=CaseStatus.SKIPPED,
        reason=printable(sentence(refusal.reason, refusal.hint)),
        skipped_as=SkipKind.REFUSED,
    )


def sentence(reason: str, hint: str) -> str:
    """Put what is wrong and what to do behind each other."""
    return f"{reason.rstrip('.')}. {hint}".strip()
