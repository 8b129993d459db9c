"""Run a model on one image, or on a few paths with their results written to a folder."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from napari_medclf.domain.errors import OptionError, ReadError
from napari_medclf.domain.events import Job, Progress, Warned
from napari_medclf.domain.options import check_options, option
from napari_medclf.domain.output_layout import Naming, OutputLayout, Structure
from napari_medclf.domain.run_settings import DEVICES, PRECISIONS, RUNTIMES, LoadSettings, RunSettings
from napari_medclf.jobs.outputs.formats import FORMATS, check_formats

if TYPE_CHECKING:
    from napari_medclf.domain.backend import Predictor, PreparingPredictor
    from napari_medclf.domain.image import MedImage
    from napari_medclf.domain.package import ModelPackage
    from napari_medclf.domain.results import Prediction
    from napari_medclf.domain.run import RunRecord

MIRROR = ("card", "off")


@dataclass(frozen=True)
class RunOptions:
    """How a model is run, whatever it is run on."""

    device: str = option("auto", help="where to compute", choices=DEVICES)
    precision: str = option("auto", help="of the numbers: auto is float32 on a CPU", choices=PRECISIONS, advanced=True)
    runtime: str = option(
        "auto", help="what runs the network: auto takes what was measured fastest here", choices=RUNTIMES, advanced=True
    )
    overlap: float | None = option(
        None,
        help="part of a window that the next one repeats; without one, as the model's card says",
        minimum=0.0,
        maximum=0.9,
        advanced=True,
    )
    mirror: str = option(
        "card", help="average over mirrored images: as the model's card says, or not", choices=MIRROR, advanced=True
    )
    uncertainty: bool = option(False, help="also make a map of how unsure the model is", advanced=True)
    memory_gb: float | None = option(
        None,
        help="the most memory that a run may take, in GB; without it, what is free",
        minimum=0.1,
        maximum=1e6,
        advanced=True,
    )

    def __post_init__(self) -> None:
        check_options(self)


@dataclass(frozen=True, kw_only=True)
class OutputOptions(RunOptions):
    """What a run writes, and what it is called."""

    format: tuple[str, ...] = option(
        ("auto",),
        help="of results, any mixture; auto: NIfTI for volumes, PNG for pictures, JSON for scores",
        choices=FORMATS,
    )
    structure: Structure = option(Structure.FLAT, help="of the results: one folder a case, or the folders of the input")
    names: Naming = option(
        Naming.PLACE,
        help="of cases: their place, with a key where that names the patient; only a key of the content; or the place "
        "as it is (named)",
    )
    files: bool = option(True, help="write files of each case; without them there is results.csv only", advanced=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.structure is Structure.MIRRORED and self.names is Naming.KEY:
            raise OptionError("--structure mirrored keeps the names of folders, which --names key hides; choose one.")

    @property
    def layout(self) -> OutputLayout:
        """Where the files of cases go."""
        return OutputLayout(self.structure, self.names)


@dataclass(frozen=True, kw_only=True)
class PredictOptions(OutputOptions):
    """What to run on what, and where the results go."""

    model: str = option(help="name of a model (`medclf models list`), or its folder", positional=True)
    paths: tuple[Path, ...] = option(help="image files, or folders of series", positional=True)
    out: Path = option(help="folder for run.json, results.csv and cases/")
    resume: bool = option(False, help="keep whole results that are in the folder already")


def load_package(package: ModelPackage, options: RunOptions, n_images: int = 1) -> Predictor:
    """Load a model's weights, checked, ready to predict many images.

    Parameters
    ----------
    n_images : int
        How many will be run: for many, a faster runtime than torch is looked for once, and kept in the user's folder.

    Raises
    ------
    CardError
        If the package is damaged, or would run code that nobody has trusted.
    BackendUnavailable
        If a package or a device is missing.
    """
    from napari_medclf.backends.registry import load
    from napari_medclf.store.catalogue import default_user_folder

    cache = default_user_folder() / "runtimes"
    return load(package, LoadSettings(options.device, options.precision, options.runtime, cache, n_images))


def predict_image(
    image: MedImage,
    package: ModelPackage,
    options: RunOptions,
    loaded: Predictor | None = None,
    focus: tuple[int, int] | None = None,
    ready: Any = None,
) -> Job[Prediction]:
    """Run a model on an image; the command line, the window and the Python API all come here.

    Parameters
    ----------
    loaded : Predictor or None
        From `load_package`, to spare loading it again.
    focus : (axis, index) or None
        The slice that a person looks at; it is answered first.
    ready : object or None
        From `PreparingPredictor.prepare`, where `loaded` is one and did that ahead.

    Raises
    ------
    CardError
        If the image does not fit the model, or the model is damaged.
    MedclfError
        If the run cannot fit into the memory, or the answer is not usable.
    """
    if loaded is None:
        yield Progress(0, 0, f"loading {package.name}")
        loaded = load_package(package, options)
    settings = settings_of(options, focus)
    if ready is None:
        prediction = yield from loaded.predict(image, settings)
    else:
        prediction = yield from cast("PreparingPredictor", loaded).predict(image, settings, ready)
    for warning in prediction.warnings:
        yield Warned(warning)
    return replace(prediction, weights_sha256=package.card.weights_sha256)


def settings_of(options: RunOptions, focus: tuple[int, int] | None = None) -> RunSettings:
    """Say to a loaded model how it is run."""
    return RunSettings(
        overlap=options.overlap,
        mirror=False if options.mirror == "off" else None,
        memory_bytes=None if options.memory_gb is None else round(options.memory_gb * 1e9),
        is_uncertainty_wanted=options.uncertainty,
        focus=focus,
    )


def predict(options: PredictOptions) -> Job[RunRecord]:
    """Run a model on a few files or folders and write the results to a folder.

    Raises
    ------
    CardError
        If there is no such model.
    ReadError
        If not one image could be read.
    OptionError
        If the results' folder belongs to another run.
    """
    from napari_medclf.jobs.models import find_model
    from napari_medclf.jobs.runs.case import RunPlan
    from napari_medclf.jobs.runs.cases import run_cases
    from napari_medclf.jobs.runs.sources import find_in_paths
    from napari_medclf.jobs.spec import spec_of

    package = find_model(options.model)
    check_formats(package.card.task, options.format)
    yield Progress(0, 0, "reading")
    sources = find_in_paths(options.paths, options.layout)
    if not sources.cases:
        first, *others = sources.refusals
        more = f" {len(others)} more were refused." if others else ""
        raise ReadError(first.path, first.reason, f"{first.hint}{more}".strip())
    spec = spec_of("predict", options)
    plan = RunPlan(spec, package, options, options.out, options.format, options.resume, writes_files=options.files)
    return (yield from run_cases(plan, sources))
