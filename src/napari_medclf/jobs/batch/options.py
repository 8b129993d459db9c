"""What a run over a folder is told."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from napari_medclf.domain.card import Task
from napari_medclf.domain.errors import OptionError
from napari_medclf.domain.options import option
from napari_medclf.domain.series_rule import FolderRule
from napari_medclf.jobs.predict import OutputOptions
from napari_medclf.jobs.runs.cluster.address import check_scheduler

if TYPE_CHECKING:
    from napari_medclf.domain.package import ModelPackage


@dataclass(frozen=True, kw_only=True)
class BatchOptions(FolderRule, OutputOptions):
    """What to run on which folder, and where the results go."""

    model: str = option(help="name of a model (`medclf models list`), or its folder", positional=True)
    folder: Path = option(help="folder with the images, searched with all sub-folders", positional=True)
    out: Path = option(help="folder for run.json, results.csv and cases/")
    dry_run: bool = option(False, help="only list what would be run and what would be skipped, and why")
    resume: bool = option(False, help="go on with the run in the folder; whole results are not made again")
    workers: int = option(1, help="processes that share the work, each with the model in memory", minimum=1, maximum=64)
    scheduler: str = option(
        "",
        help="address of a Dask scheduler whose workers do the work, tcp://HOST:PORT, or its scheduler file",
        advanced=True,
    )
    readers: int = option(
        0,
        help="processes that read images; without, threads read, and processes once those cannot keep up",
        minimum=0,
        maximum=64,
        advanced=True,
    )
    reduced: bool = option(
        False,
        help="read pictures for a classifier at about twice its input size: large JPEG 2000 files are many times "
        "faster, and scores may differ a little",
        advanced=True,
    )
    limit: int | None = option(None, help="run the first images only", minimum=1, advanced=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_scheduler(self.scheduler, self.workers)
        if self.out.resolve() == self.folder.resolve():
            raise OptionError(f"{self.out}: results must not go among the images; choose another folder for --out.")


def reduced_px(options: BatchOptions, package: ModelPackage) -> int:
    """Give the size that pictures are read at: twice what the network takes, so that the rest is averaged.

    Raises
    ------
    OptionError
        If `options.reduced` is set for a model that does not classify pictures.
    """
    if not options.reduced:
        return 0
    size = package.card.input.resize_to
    if package.card.task is not Task.CLASSIFY or package.card.input.spatial_dims != 2 or size is None:
        raise OptionError(f"--reduced is for models that classify pictures, and {package.name} is none.")
    return 2 * max(size)
