"""Learn what the cases of a training are like, and keep that in the model's package."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from napari_medclf.domain.dataset import Split
from napari_medclf.domain.errors import DatasetError, MedclfError, OptionError
from napari_medclf.domain.events import CaseFailed, Job, Progress
from napari_medclf.domain.options import option
from napari_medclf.jobs.predict import RunOptions
from napari_medclf.jobs.triage.figures import TRAITS_IN_PACKAGE

if TYPE_CHECKING:
    from napari_medclf.domain.backend import Predictor
    from napari_medclf.domain.dataset import Case, Dataset
    from napari_medclf.domain.image import MedImage
    from napari_medclf.domain.package import ModelPackage
    from napari_medclf.domain.results import Prediction
    from napari_medclf.engine.triage.figures import Figures

ENOUGH = 100
"""More cases change a median little."""
AFTER_TRAINING = 40
_FEWEST = 5


@dataclass(frozen=True, kw_only=True)
class LearnTraitsOptions(RunOptions):
    """Which model, and what it was trained on."""

    model: str = option(help="name of a model (`medclf models list`), or its folder", positional=True)
    data: Path = option(help="the data it was trained on", positional=True)
    cases: int = option(ENOUGH, help="how many cases to look at, at most", minimum=_FEWEST)
    out: Path | None = option(None, help="file to write in place of the one in the model's package")


@dataclass(frozen=True)
class Learned:
    """What was written."""

    path: Path
    figures: Figures


def learn_traits(options: LearnTraitsOptions) -> Job[Learned]:
    """Run a model on the cases it was trained on, and write what images and answers are like.

    Raises
    ------
    CardError
        If there is no such model.
    DatasetError
        If the data cannot be opened, or fewer than 5 cases could be answered.
    OptionError
        If the model came with this program, and no other file is named.
    """
    from napari_medclf.jobs.data import DataChoice, open_data, split_as_model
    from napari_medclf.jobs.models import find_model
    from napari_medclf.jobs.triage.figures import write_figures

    package = find_model(options.model)
    if package.is_embedded and options.out is None:
        raise OptionError(f"{package.name} came with this program and is not changed. Name a file with --out.")
    yield Progress(0, 0, f"opening {options.data}")
    dataset = split_as_model(open_data(DataChoice(options.data)), package)
    figures = yield from observe(package, _load(package, options), dataset, options, options.cases)
    path = options.out or package.folder / TRAITS_IN_PACKAGE
    write_figures(figures, path)
    return Learned(path, figures)


def observe(
    package: ModelPackage,
    loaded: Predictor,
    dataset: Dataset,
    options: RunOptions,
    n_most: int = ENOUGH,
    most_s: float | None = None,
) -> Job[Figures]:
    """Ask a model about cases that it was trained on or chosen by, and sum up what they are like.

    Parameters
    ----------
    n_most : int
        How many, evenly spread over the data.
    most_s : float or None
        After so many seconds no further case is begun.

    Raises
    ------
    DatasetError
        If fewer than 5 cases could be answered.
    """
    from napari_medclf.engine.triage.training import figures_of
    from napari_medclf.jobs.case_reader import CaseReader
    from napari_medclf.jobs.nested import within
    from napari_medclf.jobs.predict import predict_image

    reader, rows = CaseReader(dataset), list[dict[str, float]]()
    chosen = _evenly((*dataset.in_split(Split.TRAIN), *dataset.in_split(Split.VAL)) or dataset.cases, n_most)
    started_s = time.perf_counter()
    for position, case in enumerate(chosen):
        if most_s is not None and time.perf_counter() - started_s > most_s and len(rows) >= _FEWEST:
            break
        told = f"noting what {case.case_id} is like"
        yield Progress(position, len(chosen), told)
        try:
            image = reader.image(case)
            running = predict_image(image, package, options, loaded)
            said = yield from within(running, position, len(chosen), told, is_noted=False)
        except MedclfError as error:
            yield CaseFailed(case.case_id, next(iter(case.images.values())).path, str(error))
            continue
        rows.append(_numbers_of(image, said))
    if len(rows) < _FEWEST:
        raise DatasetError(f"{dataset.path}: {len(rows)} cases could be answered, and at least {_FEWEST} are needed.")
    return figures_of(rows)


def keep_traits(package: ModelPackage, dataset: Dataset, options: RunOptions, most_s: float) -> Job[None]:
    """Write the figures of a model that was just trained into its package; a failure costs nothing else."""
    from napari_medclf.jobs.triage.figures import write_figures

    try:
        figures = yield from observe(package, _load(package, options), dataset, options, AFTER_TRAINING, most_s)
        write_figures(figures, package.folder / TRAITS_IN_PACKAGE)
    except MedclfError:  # too few cases to say what is usual
        return


def _load(package: ModelPackage, options: RunOptions) -> Predictor:
    """Load a model so that it can be listened to, unless a person wants another runtime."""
    from napari_medclf.jobs.predict import load_package

    return load_package(package, replace(options, runtime="torch") if options.runtime == "auto" else options)


def _numbers_of(image: MedImage, said: Prediction) -> dict[str, float]:
    """Describe a case as a run does: traits, doubts and the sizes of the results."""
    from napari_medclf.domain.run import CaseRecord, CaseStatus
    from napari_medclf.engine.triage.traits import traits_of
    from napari_medclf.jobs.outputs.values import values_of
    from napari_medclf.jobs.triage.after import doubts_of
    from napari_medclf.jobs.triage.cohort import numbers_of

    record = CaseRecord(
        case_id="-",
        source="-",
        status=CaseStatus.DONE,
        values=values_of(said, image),
        doubts=doubts_of(said),
        traits=traits_of(image, said),
    )
    return numbers_of(record)


def _evenly(cases: Sequence[Case], n_most: int) -> list[Case]:
    n = min(len(cases), n_most)
    return [cases[position * len(cases) // n] for position in range(n)]
