"""Say where in images a classifier found what it says, as heat maps on the images' own grids."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_medclf.domain.errors import MedclfError, OptionError, ReadError
from napari_medclf.domain.events import CaseDone, CaseFailed, Job, Progress, Warned
from napari_medclf.domain.options import check_options, option
from napari_medclf.domain.run_settings import DEVICES

if TYPE_CHECKING:
    from napari_medclf.domain.heat_map import HeatMap
    from napari_medclf.domain.image import MedImage
    from napari_medclf.domain.package import ModelPackage
    from napari_medclf.engine.explain.explainer import Explainer
    from napari_medclf.jobs.runs.case import RunCase

HEAT_FILES = {"nifti": "heat.nii.gz", "nrrd": "heat.nrrd", "mha": "heat.mha", "tiff": "heat.tif", "overlay": "heat.png"}
"""Format to file."""
FORMATS = ("auto", *HEAT_FILES)
_AUTO = ("nifti", "overlay")
_DOCUMENT = "explanation.json"


@dataclass(frozen=True)
class ExplainOptions:
    """Which model's answers about which images are explained, and where the heat maps go."""

    model: str = option(help="name of a model (`medclf models list`), or its folder", positional=True)
    paths: tuple[Path, ...] = option(help="image files, or folders of series", positional=True)
    out: Path = option(help="folder for cases/<case>/heat.nii.gz, heat.png and explanation.json")
    class_: str = option("", help="class whose evidence is shown; without one, the class that the model decides for")
    format: tuple[str, ...] = option(
        ("auto",), help="of heat maps; auto: NIfTI, and a picture of the hottest slice", choices=FORMATS
    )
    device: str = option("auto", help="where to compute", choices=DEVICES)

    def __post_init__(self) -> None:
        check_options(self)


@dataclass(frozen=True)
class ExplainedCase:
    """What was found about one image.

    Parameters
    ----------
    hottest : (x, y, z)
        Where most speaks for the class: LPS mm, or pixels of a picture without a place in the patient.
    """

    case_id: str
    source: str
    class_name: str
    score: float
    hottest: tuple[float, float, float]
    peak: float
    cells: tuple[int, int, int]
    files: tuple[Path, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class Explained:
    """What was written."""

    out: Path
    model: str
    layers: tuple[str, ...]
    cases: tuple[ExplainedCase, ...]


def explain(options: ExplainOptions) -> Job[Explained]:
    """Write heat maps of images; an image that cannot be explained is told, and the others go on.

    Raises
    ------
    CardError
        If there is no such model, or it does not classify.
    BackendUnavailable
        If nothing of its network can be read.
    ReadError
        If not one image could be read.
    OptionError
        If the folder holds heat maps already.
    """
    from napari_medclf.jobs.models import find_model
    from napari_medclf.jobs.runs.sources import find_in_paths

    package = find_model(options.model)
    if (options.out / "cases").exists():
        raise OptionError(f"{options.out} holds results already. Choose another folder.")
    if options.class_:
        package.card.schema_.named(options.class_)
    yield Progress(0, 0, f"loading {package.name}")
    explainer = load_explainer(package, options.device)
    sources = find_in_paths(options.paths)
    for refusal in sources.refusals:
        yield CaseFailed(refusal.path.name, refusal.path, f"{refusal.reason} {refusal.hint}".strip())
    if not sources.cases:
        first = sources.refusals[0]
        raise ReadError(first.path, first.reason, first.hint)
    done: list[ExplainedCase] = []
    for number, case in enumerate(sources.cases):
        yield Progress(number, len(sources.cases), f"explaining {case.case_id}")
        try:
            found = yield from _one(case, explainer, package, options)
        except MedclfError as error:
            yield CaseFailed(case.case_id, case.source.path, case.conceal(str(error)))
            continue
        for warning in found.warnings:
            yield Warned(f"{case.case_id}: {warning}")
        yield CaseDone(case.case_id, case.source.path, found)
        done.append(found)
    return Explained(options.out, package.name, explainer.layers, tuple(done))


def load_explainer(package: ModelPackage, device: str = "auto") -> Explainer:
    """Load a classifier so that its last maps can be read: in torch, in single precision on a CPU.

    Raises
    ------
    CardError
        If the model does not classify, or is damaged.
    BackendUnavailable
        If it runs as a program of its own, or as several one after the other, or has no such maps.
    """
    from napari_medclf.backends.registry import load
    from napari_medclf.domain.errors import BackendUnavailable
    from napari_medclf.domain.run_settings import LoadSettings
    from napari_medclf.engine.explain.explainer import Explainer
    from napari_medclf.engine.model import LoadedModel

    loaded = load(package, LoadSettings(device, runtime="torch"))
    if not isinstance(loaded, LoadedModel):
        raise BackendUnavailable(
            f"{package.name} does not run as one network in this program, so that it cannot say where it looked. "
            "Explain one of its members, where it has some."
        )
    return Explainer.begin(loaded)


def explain_image(image: MedImage, explainer: Explainer, class_name: str = "") -> Job[HeatMap]:
    """Explain what a loaded model says about an image; the command line and the window both come here.

    Raises
    ------
    MedclfError
        As `Explainer.explain`.
    """
    return (yield from explainer.explain(image, class_name))


def _one(case: RunCase, explainer: Explainer, package: ModelPackage, options: ExplainOptions) -> Job[ExplainedCase]:
    from napari_medclf.atomic import atomic_write
    from napari_medclf.jobs.json_text import json_text

    image = case.load()
    heat = yield from explain_image(image, explainer, options.class_)
    folder = options.out / "cases" / case.case_id
    folder.mkdir(parents=True)
    files = write_heat(heat, image, folder, options.format)
    card = package.card
    document: dict[str, Any] = {
        "schema_version": 1,
        "model": card.name,
        "model_version": card.version,
        "weights_sha256": card.weights_sha256,
        "method": "Grad-CAM (Selvaraju 2017)",
        "layers": explainer.layers,
        "source": case.place,
        "class": heat.class_name,
        "score": heat.score,
        "peak": heat.peak,
        "cells": heat.cells,
        "hottest": heat.hottest,
        "unit": heat.geometry.unit.value,
        "files": [path.name for path in files],
        "warnings": heat.warnings,
    }
    atomic_write(folder / _DOCUMENT, json_text(document) + "\n")
    return ExplainedCase(
        case.case_id, case.place, heat.class_name, heat.score, heat.hottest, heat.peak, heat.cells,
        (*files, folder / _DOCUMENT), heat.warnings,
    )  # fmt: skip


def write_heat(heat: HeatMap, image: MedImage, folder: Path, formats: Sequence[str] = ("auto",)) -> tuple[Path, ...]:
    """Write a heat map in some of `FORMATS`; each file is opened again and compared before it counts.

    Raises
    ------
    WriteError
        If a format cannot hold it, or a file cannot be written.
    """
    import numpy as np

    from napari_medclf.domain.image import MedImage
    from napari_medclf.io.heat_overlay import write_heat_overlay
    from napari_medclf.io.write import write_image

    wanted = dict.fromkeys(one for name in formats for one in (_AUTO if name == "auto" else (name,)))
    files = []
    for name in wanted:
        files.append(folder / HEAT_FILES[name])
        if name == "overlay":
            write_heat_overlay(image, heat, files[-1])
        else:
            write_image(MedImage(np.asarray(heat.values), heat.geometry, f"heat of {heat.class_name}"), files[-1])
    return tuple(files)
