"""Write a data set in a layout that other programs read; what was written is opened again and compared."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_medclf.domain.card import Task
from napari_medclf.domain.errors import DatasetError, MedclfError, OptionError
from napari_medclf.domain.events import CaseFailed, Job, Progress, Warned
from napari_medclf.domain.options import option
from napari_medclf.jobs.dataset.choice import DataOptions

if TYPE_CHECKING:
    from napari_medclf.domain.dataset import Dataset
    from napari_medclf.jobs.dataset.writers.base import Writer

FORMATS = ("nnunet", "msd", "bids", "images", "folders", "table", "voc", "medmnist", "project")


@dataclass(frozen=True, kw_only=True)
class ExportOptions(DataOptions):
    """Which data to write, where and how."""

    out: Path = option(help="folder of the new data; must not be there yet")
    format: str = option(
        help="layout: nnU-Net, MSD, BIDS, images + labels, a folder a class, a table ...", choices=FORMATS
    )


@dataclass(frozen=True)
class Exported:
    """Data that was written.

    Parameters
    ----------
    path : Path
        What to open.
    n_cases : int
        How many cases are in it.
    """

    path: Path
    format: str
    n_cases: int
    n_failed: int


def export_dataset(options: ExportOptions) -> Job[Exported]:
    """Write every case of a data set; one that cannot be read is told and left out.

    Raises
    ------
    OptionError
        If the folder is there already.
    DatasetError
        If the layout cannot hold such data, or what was written does not come back.
    """
    from napari_medclf.jobs.data import open_data

    if options.out.exists():
        raise OptionError(f"{options.out} is there already. Choose another folder.")
    yield Progress(0, 0, f"opening {options.data}")
    dataset = open_data(options.choice)
    for warning in dataset.warnings:
        yield Warned(warning)
    writer = make_writer(options.format, options.out, dataset)
    n_failed = yield from write_cases(writer)
    path = options.out / f"{options.out.name}.npz" if options.format == "medmnist" else options.out
    check_written(path, dataset, len(writer.done))
    return Exported(path, options.format, len(writer.done), n_failed)


def make_writer(layout: str, folder: Path, dataset: Dataset, **settings: Any) -> Writer:
    """Choose the writer of a layout.

    Raises
    ------
    DatasetError
        If the layout cannot hold such data.
    """
    from napari_medclf.jobs.case_reader import CaseReader

    kind = _writers()[layout]
    writer = kind(folder, CaseReader(dataset), **settings)
    fitting = [name for name, one in _writers().items() if dataset.task in one.tasks]
    if dataset.task not in kind.tasks:
        raise DatasetError(
            f"{dataset.path}: the layout {layout!r} cannot hold data to {dataset.task}; choose one of "
            f"{', '.join(fitting)}."
        )
    if writer.refuse():
        raise DatasetError(f"{dataset.path}: does not fit into the layout {layout!r}: {writer.refuse()}.")
    return writer


def write_cases(writer: Writer) -> Job[int]:
    """Write all cases, then what stands beside them; returns how many failed.

    Raises
    ------
    DatasetError
        If not one could be written.
    """
    cases = writer.dataset.cases
    n_failed = 0
    for position, case in enumerate(cases):
        yield Progress(position, len(cases), case.case_id)
        try:
            writer.add(case, writer.reader.image(case))
        except MedclfError as error:
            n_failed += 1
            yield CaseFailed(case.case_id, next(iter(case.images.values())).path, str(error))
    if not writer.done:
        raise DatasetError(f"{writer.dataset.path}: not one of {len(cases)} cases could be written.")
    writer.finish()
    return n_failed


def check_written(path: Path, dataset: Dataset, n_written: int) -> None:
    """Open what was written as any user would, and compare cases and classes.

    Raises
    ------
    DatasetError
        If it does not come back.
    """
    from napari_medclf.jobs.data import DataChoice, open_data

    columns = dataset.schema.names if dataset.task is Task.REGRESS or not dataset.is_exclusive else ()
    names = dataset.schema.names if dataset.task in (Task.SEGMENT, Task.INSTANCES) else ()
    found = open_data(DataChoice(path, dataset.task, class_names=names, label_columns=columns))
    n_found = len(found.cases) + len(found.left_out)
    if n_found != n_written:
        raise DatasetError(f"{path}: {n_written} cases were written, but {n_found} came back.")


def _writers() -> dict[str, type[Writer]]:
    from napari_medclf.jobs.dataset.writers.folders import BidsWriter, ClassFolderWriter, ImagesLabelsWriter
    from napari_medclf.jobs.dataset.writers.nnunet import MsdWriter, NnunetWriter
    from napari_medclf.jobs.dataset.writers.others import MedmnistWriter, VocWriter
    from napari_medclf.jobs.dataset.writers.project import ProjectWriter
    from napari_medclf.jobs.dataset.writers.tables import TableWriter

    kinds = (NnunetWriter, MsdWriter, BidsWriter, ImagesLabelsWriter, ClassFolderWriter, TableWriter, VocWriter)
    return dict(zip(FORMATS, (*kinds, MedmnistWriter, ProjectWriter), strict=True))


def document_of(result: Exported) -> dict[str, Any]:
    """Lay the result out as ``--json`` prints it."""
    return {
        "path": str(result.path),
        "format": result.format,
        "n_cases": result.n_cases,
        "n_failed": result.n_failed,
    }
