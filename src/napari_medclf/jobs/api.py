"""The Python interface: plain functions that run a job to its end and raise what goes wrong."""

from __future__ import annotations

from collections.abc import Callable
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from napari_medclf.domain.errors import MedclfError
from napari_medclf.domain.events import FinishReason, Job, JobEvent

if TYPE_CHECKING:
    from napari_medclf.domain.image import MedImage
    from napari_medclf.domain.package import ModelPackage
    from napari_medclf.domain.results import Prediction
    from napari_medclf.domain.run import RunRecord
    from napari_medclf.io.report import ReadReport
    from napari_medclf.jobs.evaluate import Evaluation
    from napari_medclf.jobs.learning_curve import LearningCurve
    from napari_medclf.jobs.train import TrainResult

AnyPath = str | PathLike[str]
Result = TypeVar("Result")
OnEvent = Callable[[JobEvent], None]


def read(*paths: AnyPath) -> ReadReport:
    """Read files and folders: images, and a reason for each file that gave none; never raises for a bad file."""
    from napari_medclf.io.read import read as read_paths

    return read_paths([Path(path) for path in paths])


def read_image(path: AnyPath, member: str = "") -> MedImage:
    """Read exactly one image.

    Parameters
    ----------
    path : path
        A file, or the folder of a DICOM series.
    member : str
        Which image where there are several, such as ``"train/17"`` of an npz.

    Raises
    ------
    ReadError
        If it cannot be read, or holds several images.
    """
    from napari_medclf.io.read import read_image as read_one

    return read_one(Path(path), member)


def models() -> tuple[ModelPackage, ...]:
    """List the models that can be used, those that came with this package first."""
    from napari_medclf.store.catalogue import Catalogue

    return Catalogue().packages()


def predict(
    image: MedImage | AnyPath, model: str | ModelPackage, *, on_event: OnEvent | None = None, **options: Any
) -> Prediction:
    """Run a model on an image; the same as in the window and on the command line.

    Parameters
    ----------
    image : MedImage or path
        An image, or where it is.
    model : str or ModelPackage
        A name from `models`, a model's folder, or a package.
    **options
        Fields of `jobs.predict.RunOptions`: device, overlap, mirror.

    Raises
    ------
    MedclfError
        As one sentence.
    """
    from napari_medclf.domain.image import MedImage
    from napari_medclf.jobs.models import find_model
    from napari_medclf.jobs.predict import RunOptions, predict_image

    package = find_model(model) if isinstance(model, str) else model
    opened = image if isinstance(image, MedImage) else read_image(image)
    return run(predict_image(opened, package, RunOptions(**options)), on_event)


def batch(model: str, folder: AnyPath, out: AnyPath, *, on_event: OnEvent | None = None, **options: Any) -> RunRecord:
    """Run a model on every image of a folder; what failed stands in the record with its reason.

    Parameters
    ----------
    **options
        Fields of `jobs.batch.batch.BatchOptions`.
    """
    from napari_medclf.jobs.batch.batch import batch as start
    from napari_medclf.jobs.batch.options import BatchOptions

    return run(start(BatchOptions(model=model, folder=Path(folder), out=Path(out), **options)), on_event)


def train(data: AnyPath, out: AnyPath, *, on_event: OnEvent | None = None, **options: Any) -> TrainResult:
    """Train a model from images and labels.

    Parameters
    ----------
    **options
        Fields of `jobs.train.TrainOptions`; the task may be a word such as ``"detect"``.
    """
    from napari_medclf.domain.card import Task
    from napari_medclf.jobs.train import TrainOptions
    from napari_medclf.jobs.train import train as start

    if options.get("task") is not None:
        options["task"] = Task(options["task"])
    return run(start(TrainOptions(data=Path(data), out=Path(out), **options)), on_event)


def evaluate(model: str, data: AnyPath, out: AnyPath, *, on_event: OnEvent | None = None, **options: Any) -> Evaluation:
    """Measure a model on labelled data.

    Parameters
    ----------
    **options
        Fields of `jobs.evaluate.EvaluateOptions`.
    """
    from napari_medclf.jobs.evaluate import EvaluateOptions
    from napari_medclf.jobs.evaluate import evaluate as start

    return run(start(EvaluateOptions(model=model, data=Path(data), out=Path(out), **options)), on_event)


def learning_curve(data: AnyPath, out: AnyPath, *, on_event: OnEvent | None = None, **options: Any) -> LearningCurve:
    """Train on growing parts of the data, and measure every model on the same cases.

    Parameters
    ----------
    **options
        Fields of `jobs.learning_curve.LearningCurveOptions`.
    """
    from napari_medclf.jobs.learning_curve import LearningCurveOptions
    from napari_medclf.jobs.learning_curve import learning_curve as start

    return run(start(LearningCurveOptions(data=Path(data), out=Path(out), **options)), on_event)


def run(job: Job[Result], on_event: OnEvent | None = None) -> Result:
    """Run a job to its end on this thread.

    Raises
    ------
    KeyboardInterrupt
        If it was interrupted.
    MedclfError
        If it failed; errors that are not ours are raised as they are.
    """
    from napari_medclf.jobs.drive import drive

    outcome = drive(job, on_event or _ignore)
    if outcome.error is not None:
        raise outcome.error
    if outcome.reason is FinishReason.CANCELED:
        raise KeyboardInterrupt
    if outcome.reason is not FinishReason.COMPLETED:
        raise MedclfError(outcome.message)
    return outcome.result  # type: ignore[return-value]  # a completed job has its result, which may be None


def _ignore(event: JobEvent) -> None:
    pass
