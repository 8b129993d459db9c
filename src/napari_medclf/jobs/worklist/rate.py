"""Ask a model about the cases of a project, and keep what it says: answers, doubts, embeddings."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from napari_medclf.domain.errors import MedclfError
from napari_medclf.domain.events import CaseDone, CaseFailed, Job, Progress
from napari_medclf.domain.options import option
from napari_medclf.domain.run_settings import RunSettings
from napari_medclf.jobs.predict import RunOptions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_medclf.domain.backend import Predictor
    from napari_medclf.domain.image import MedImage
    from napari_medclf.domain.package import ModelPackage
    from napari_medclf.jobs.worklist.rating import Rating
    from napari_medclf.store.project import Project, ProjectCase


@dataclass(frozen=True, kw_only=True)
class RateOptions(RunOptions):
    """Which model to ask about which project."""

    model: str = option(help="name of a model (`medclf models list`), or its folder", positional=True)
    project: Path = option(help="folder of the project", positional=True)
    tta: bool = option(False, help="also ask changed copies of each image, which takes three times as long")
    labels: bool = option(True, help="keep the model's labels, to show them when a case is opened", advanced=True)
    again: bool = option(False, help="also ask about cases that these very weights have answered", advanced=True)


@dataclass(frozen=True)
class Rated:
    """How many cases were asked about; what failed was told case by case."""

    n_rated: int
    n_known: int
    n_failed: int = 0


def rate_cases(options: RateOptions, loaded: Predictor | None = None) -> Job[Rated]:
    """Predict every case of a project that these weights have not answered yet; each is on disk before the next begins.

    A case that is done is asked about, too: what is known already is measured by it. A stop loses the case that runs.

    Parameters
    ----------
    loaded : Predictor or None
        The model, to spare loading it again.

    Raises
    ------
    CardError, BackendUnavailable
        If the model cannot be loaded.
    DatasetError
        If there is no such project.
    """
    from napari_medclf.jobs.models import find_model
    from napari_medclf.store.project import Project

    package = find_model(options.model)
    project = Project.open(options.project)
    cases = project.cases()
    weights = package.card.weights_sha256
    waiting = cases if options.again else [case for case in cases if not _is_answered(case, package.card.name, weights)]
    if not waiting:
        return Rated(0, len(cases))
    yield Progress(0, len(waiting), f"loading {package.name}")
    loaded = loaded or _load(package, options, len(waiting))
    n_failed = yield from _rate_all(options, project, waiting, loaded)
    return Rated(len(waiting) - n_failed, len(cases) - len(waiting), n_failed)


def save_rating(project: Project, case: ProjectCase, rating: Rating, *, with_labels: bool = True) -> None:
    """Keep a rating in the project.

    Raises
    ------
    WriteError
        If it cannot be written.
    """
    import numpy as np

    from napari_medclf.atomic import atomic_writer
    from napari_medclf.io.write import write_segmentation
    from napari_medclf.store.project import PredictionEntry, now_utc

    said = rating.prediction
    segmentation = said.segmentation if with_labels else None

    def write_embedding(path: Path) -> None:
        with atomic_writer(path) as file:
            np.save(file, rating.embedding)

    entry = PredictionEntry(
        case_id=case.case_id,
        model=said.model,
        model_version=said.model_version,
        weights_sha256=said.weights_sha256,
        uncertainty=dict(rating.uncertainty),
        scores={} if said.classification is None else said.classification.scores,
        decided=None if said.classification is None else said.classification.decided,
        elapsed_s=said.elapsed_s,
        created=now_utc(),
    )
    project.save_prediction(
        entry,
        write_labels=None if segmentation is None else lambda path: write_segmentation(segmentation, path),
        write_embedding=write_embedding,
    )


def _rate_all(options: RateOptions, project: Project, cases: Sequence[ProjectCase], loaded: Predictor) -> Job[int]:
    from napari_medclf.jobs.background import awaited
    from napari_medclf.jobs.drive import explain
    from napari_medclf.jobs.nested import within
    from napari_medclf.jobs.worklist.rating import rate_image

    n_failed, total = 0, len(cases)
    settings = RunSettings(
        overlap=options.overlap,
        mirror=False if options.mirror == "off" else None,
        memory_bytes=None if options.memory_gb is None else round(options.memory_gb * 1e9),
    )
    for number, case in enumerate(cases):
        told = Progress(number, total, case.case_id)
        yield told
        try:
            image = yield from awaited(lambda case=case: _read(case), told)  # type: ignore[misc]  # lambda's default
            running = rate_image(image, loaded, settings, with_tta=options.tta)
            rating = yield from within(running, number, total, case.case_id, is_noted=number == 0)
            save_rating(project, case, rating, with_labels=options.labels)
            yield CaseDone(case.case_id, case.image.path, dict(rating.uncertainty))
        except (MedclfError, OSError, MemoryError) as error:
            n_failed += 1
            yield CaseFailed(case.case_id, case.image.path, explain(error))
    return n_failed


def _read(case: ProjectCase) -> MedImage:
    """Read a case's image; one that was changed since it was added is another case.

    Raises
    ------
    DatasetError
        If its samples are not those that were added.
    """
    from napari_medclf.domain.errors import DatasetError
    from napari_medclf.io.digest import with_digest
    from napari_medclf.io.read import read_image

    image = with_digest(read_image(case.image.path, case.image.member))
    if image.source.digest != case.image_digest:
        raise DatasetError(f"{case.image}: was changed since it was added to the project; add it again.")
    return image


def _load(package: ModelPackage, options: RateOptions, n_images: int) -> Predictor:
    """Load the model in torch, unless a person chose otherwise: nothing else can be listened to."""
    from dataclasses import replace

    from napari_medclf.jobs.predict import load_package

    runtime = "torch" if options.runtime == "auto" else options.runtime
    return load_package(package, replace(options, runtime=runtime), n_images)


def _is_answered(case: ProjectCase, model: str, weights_sha256: str) -> bool:
    return any(
        (one.entry.model, one.entry.weights_sha256) == (model, weights_sha256) and one.entry.uncertainty
        for one in case.predictions
    )
