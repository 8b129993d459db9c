"""Train a network on images without labels, as a start for trainings with few labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_medclf.domain.card import DataCredit, ModelCard, Task
from napari_medclf.domain.dataset import Case, Dataset, Split
from napari_medclf.domain.errors import DatasetError, MedclfError, OptionError
from napari_medclf.domain.events import CaseFailed, Job, Progress, Warned
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.options import check_options, option
from napari_medclf.domain.output_spec import OutputSpec, Quantity
from napari_medclf.domain.recipe import AugmentSettings, Recipe
from napari_medclf.domain.run_settings import DEVICES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_medclf.domain.image import MedImage
    from napari_medclf.domain.input_spec import InputSpec
    from napari_medclf.domain.package import ModelPackage
    from napari_medclf.engine.train.cases import TrainCase
    from napari_medclf.engine.train.fit import Fitted

_N_FEATURES = 64
_EPOCHS = 100
_FEWEST = 8
_N_LOOKED_AT = 12
_TASKS = (Task.CLASSIFY, Task.SEGMENT)


@dataclass(frozen=True)
class PretrainOptions:
    """Which images to learn from, and for what."""

    data: Path = option(help="folder of images, or any data that `train` takes; labels are not used", positional=True)
    out: Path = option(help="folder of the new model; must not be there yet")
    task: Task = option(
        Task.CLASSIFY,
        help="what the network is for later: classify (it learns to know a changed image again) or segment (it learns "
        "to fill in what is hidden)",
        choices=_TASKS,
    )
    name: str = option("", help="name of the model; by default that of its folder")
    recipe: str = option("", help="a name of `medclf recipes list`; by default a small network")
    set: tuple[str, ...] = option((), help="a changed setting of the recipe, such as optimiser.lr=0.001; may repeat")
    epochs: int | None = option(None, help="how often the images are seen; 100 by default", minimum=1)
    max_minutes: float | None = option(None, help="stop after this time and keep the last", unit="min", minimum=0.01)
    seed: int = option(0, help="of every random number", minimum=0)
    resume: bool = option(False, help="go on with the unfinished training of this model")
    device: str = option("auto", help="where to compute", choices=DEVICES)
    val_fraction: float = option(0.1, help="part of the images to validate on", minimum=0.01, maximum=0.5)
    register: bool = option(True, help="show the new model in the list of models", advanced=True)

    def __post_init__(self) -> None:
        check_options(self)


@dataclass(frozen=True)
class PretrainResult:
    """A finished pre-training.

    Parameters
    ----------
    n_images : int
        That were learned from; slices for a network that sees pictures.
    """

    package: ModelPackage
    history: tuple[Mapping[str, float], ...]
    n_images: int


def pretrain(options: PretrainOptions) -> Job[PretrainResult]:
    """Train a network without labels and write its package, from which ``train --init`` goes on.

    Raises
    ------
    OptionError
        If the folder is there already.
    DatasetError
        If there are too few images that can be read.
    """
    from napari_medclf.jobs.publish import move_package, publish
    from napari_medclf.jobs.spec import spec_of
    from napari_medclf.jobs.unfinished import UnfinishedTraining
    from napari_medclf.store.catalogue import Catalogue

    if options.out.exists():
        raise OptionError(f"{options.out} is there already. Choose another folder for the new model.")
    yield Progress(0, 0, f"opening {options.data}")
    dataset = _split(_open(options), options)
    recipe = yield from _plan(dataset, options)
    draft = _draft(options.name or options.out.name, dataset, recipe)
    spec = spec_of("pretrain", options, seed=options.seed, base=Path.cwd())
    unfinished = UnfinishedTraining.beside(options.out)
    unfinished.begin(spec, resume=options.resume)
    try:
        fitted, n_images = yield from _fit(options, dataset, draft, recipe, unfinished.checkpoints)
    finally:
        unfinished.remove_if_vain()
    package = move_package((yield from publish(fitted, dataset, spec, unfinished.package, "")), options.out)
    unfinished.remove()
    if options.register:
        Catalogue().register(package.folder)
    return PretrainResult(package, fitted.history, n_images)


def _open(options: PretrainOptions) -> Dataset:
    """List images: those of a data set that are not its test cases, or all that lie in a folder."""
    from napari_medclf.jobs.data import DataChoice, open_data
    from napari_medclf.jobs.runs.sources import find_in_folder

    try:
        known = open_data(DataChoice(options.data))
        cases = [case for case in known.cases if case.split is not Split.TEST]
        found = [Case(case.case_id, case.group_id, case.images) for case in cases]
    except MedclfError:
        if not options.data.is_dir():
            raise
        listed = find_in_folder(options.data).cases
        found = [Case(one.case_id, one.case_id, {"image": one.source}) for one in listed]
    if len(found) < _FEWEST:
        raise DatasetError(f"{options.data}: {len(found)} images are too few to learn from; take {_FEWEST} at least.")
    task = Task.REGRESS if options.task is Task.CLASSIFY else Task.SEGMENT
    return Dataset(options.data.stem, task, _schema(options.task), tuple(found), options.data)


def _schema(task: Task) -> LabelSchema:
    from napari_medclf.engine.pretrain.masked import LEVELS

    if task is Task.CLASSIFY:
        return LabelSchema.from_names([f"feature {number}" for number in range(1, _N_FEATURES + 1)], first_value=1)
    return LabelSchema.from_names(LEVELS[1:], first_value=1)


def _split(dataset: Dataset, options: PretrainOptions) -> Dataset:
    from napari_medclf.store.datasets import split_dataset

    return split_dataset(dataset, val_fraction=options.val_fraction, test_fraction=0.0, seed=options.seed)


def _plan(dataset: Dataset, options: PretrainOptions) -> Job[Recipe]:
    from napari_medclf.engine.recipes.changes import with_settings
    from napari_medclf.engine.recipes.look import look_at
    from napari_medclf.engine.recipes.registry import default_family, family
    from napari_medclf.jobs.case_reader import CaseReader

    reader = CaseReader(dataset)
    cases = dataset.in_split(Split.TRAIN)
    images: list[MedImage] = []
    for case in cases[:: max(len(cases) // _N_LOOKED_AT, 1)]:
        yield Progress(len(images), _N_LOOKED_AT, f"looking at {case.case_id}")
        try:
            images.append(reader.image(case))
        except MedclfError:
            continue  # told when all are loaded
    look = look_at(options.task, dataset.schema, images, n_train=len(cases))
    chosen = family(options.recipe) if options.recipe else default_family(options.task)
    planned = chosen.plan_with(look)
    changes: dict[str, Any] = {"epochs": options.epochs or _EPOCHS, "keep": "last", "patience": 0}
    if options.task is Task.CLASSIFY:
        n_twins = max(min(planned.batch, len(cases)), 2)
        changes |= {"augment": _strong(planned.input), "batch": n_twins}
    return with_settings(planned.model_copy(update=changes), options.set)


def _strong(spec: InputSpec) -> AugmentSettings:
    """Changes after which an image shall be known again: what a scanner and a position do, and a part hidden."""
    return AugmentSettings(
        flip_axes=(spec.spatial_dims - 1,), rotate_deg=20, scale=0.3, stretch=0.15, shift=0.15, gain=0.5, bias=0.3,
        gamma=0.5, noise_sd=0.08, blur_vox=0.8, cutout=0.4,
    )  # fmt: skip


def _draft(name: str, dataset: Dataset, recipe: Recipe) -> ModelCard:
    is_whole = dataset.task is Task.REGRESS
    learned = "to know an image again after it was changed" if is_whole else "to fill in hidden parts of an image"
    quantities = (Quantity(),) * len(dataset.schema) if is_whole else ()
    counts: dict[str, Any] = {f"n_{split.value}": len(dataset.in_split(split)) for split in Split}
    return ModelCard(
        name=name,
        version="1.0.0",
        task=dataset.task,
        title=name,
        description=f"Learned {learned}, from {dataset.name} without labels. A start for trainings (`train --init`).",
        limits=("Its answers mean nothing by themselves.",),
        input=recipe.input,
        network=recipe.network,
        output=OutputSpec(schema=dataset.schema, quantities=quantities),
        licence="not stated",
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        data=(DataCredit(name=dataset.name, licence="not stated", attribution="", **counts),),
    )


def _fit(
    options: PretrainOptions, dataset: Dataset, draft: ModelCard, recipe: Recipe, checkpoints: Path
) -> Job[tuple[Fitted, int]]:
    from napari_medclf.engine.device import choose_device
    from napari_medclf.engine.pretrain.contrast import Contrast
    from napari_medclf.engine.pretrain.masked import Masked, level_edges, with_levels
    from napari_medclf.engine.train.fit import fit
    from napari_medclf.engine.train.settings import FitSettings

    train = yield from _load(dataset, dataset.in_split(Split.TRAIN), recipe.input)
    val = yield from _load(dataset, dataset.in_split(Split.VAL), recipe.input)
    settings = FitSettings(
        checkpoint_dir=checkpoints,
        seed=options.seed,
        max_minutes=options.max_minutes,
        resume=options.resume,
        device=str(choose_device(options.device)),
    )
    if not train or not val:
        raise DatasetError(f"{options.data}: there are no images that can be read.")
    if options.task is Task.CLASSIFY:
        objective: Contrast | Masked = Contrast(recipe, train, val)
    else:
        edges = level_edges(train)
        train, val = with_levels(train, edges), with_levels(val, edges)
        objective = Masked(recipe, train, val)
    return (yield from fit(draft, recipe, train, val, settings, objective)), len(train)


def _load(dataset: Dataset, cases: Sequence[Case], spec: InputSpec) -> Job[list[TrainCase]]:
    """Prepare images; a network of pictures gets every slice. One that cannot be read is told and left out."""
    from napari_medclf.domain.results import Sample
    from napari_medclf.engine.prepare import prepare
    from napari_medclf.engine.train.cases import TrainCase
    from napari_medclf.jobs.case_reader import CaseReader

    reader = CaseReader(dataset)
    nothing = np.asarray(0, dtype=np.int64)
    loaded: list[TrainCase] = []
    failed = 0
    for number, case in enumerate(cases):
        yield Progress(number, len(cases), f"loading {case.case_id}")
        try:
            data = prepare(reader.image(case), spec).data
        except MedclfError as error:
            yield CaseFailed(case.case_id, next(iter(case.images.values())).path, str(error))
            failed += 1
            continue
        slices = [data] if spec.spatial_dims == 3 else list(np.moveaxis(data, 1, 0))
        images = [Sample(np.ascontiguousarray(one), nothing) for one in slices]
        loaded += [TrainCase(f"{case.case_id}/{k}", case.group_id, one) for k, one in enumerate(images)]
    if failed:
        yield Warned(f"{failed} of {len(cases)} images cannot be read and are left out.")
    return loaded
