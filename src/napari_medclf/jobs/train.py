"""Train a model: data to prepared cases, to a fitted network, to a model package that is in the list at once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_medclf.domain.card import Metric, Task
from napari_medclf.domain.errors import CardError, MedclfError, OptionError
from napari_medclf.domain.events import Job, Progress, Warned
from napari_medclf.domain.options import check_options, option
from napari_medclf.domain.recipe.way import Way
from napari_medclf.domain.run_settings import DEVICES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_medclf.domain.card import ModelCard
    from napari_medclf.domain.dataset import Dataset
    from napari_medclf.domain.package import ModelPackage
    from napari_medclf.domain.recipe import Recipe
    from napari_medclf.engine.train.fit import Fitted
    from napari_medclf.jobs.unfinished import UnfinishedTraining


_FEW_GROUPS = 8


TASKS = (Task.CLASSIFY, Task.SEGMENT, Task.INSTANCES, Task.DETECT, Task.REGRESS)
"""What can be learned here."""


@dataclass(frozen=True)
class TrainOptions:
    """What to train, from what, for how long."""

    data: Path = option(
        help="folder with one sub-folder a class, CSV, MedMNIST npz, images + labels, or a project", positional=True
    )
    out: Path = option(help="folder of the new model; must not be there yet")
    task: Task | None = option(None, help="what to learn; by default what the data suggests", choices=TASKS)
    name: str = option("", help="name of the model; by default that of its folder")
    init: str = option("", help="model to start from (fine-tuning); its network and input are kept")
    recipe: str = option(
        "", help="a name of `medclf recipes list`, a JSON file, or auto: try several; by default a small network"
    )
    set: tuple[str, ...] = option((), help="a changed setting of the recipe, such as optimiser.lr=0.001; may repeat")
    ensemble: Way = option(Way.NONE, help="train several networks that answer as one model", choices=tuple(Way))
    members: int = option(5, help="how many networks an ensemble has, or folds", minimum=2, maximum=50)
    epochs: int | None = option(None, help="how often the data is seen; by default what the recipe says", minimum=1)
    max_minutes: float | None = option(None, help="stop after this time and keep the best", unit="min", minimum=0.01)
    seed: int = option(0, help="of every random number", minimum=0)
    resume: bool = option(False, help="go on with the unfinished training of this model")
    device: str = option("auto", help="where to compute", choices=DEVICES)
    val_fraction: float = option(0.15, help="part of the patients to validate on", minimum=0.01, maximum=0.9)
    test_fraction: float = option(
        0.15, help="part of the patients kept for `evaluate`, where the data has no split", minimum=0.0, maximum=0.9
    )
    group_pattern: str = option("", help="regular expression that finds the patient in a case's name", advanced=True)
    split: Path | None = option(None, help="JSON that names the cases of train, val and test", advanced=True)
    exclude: Path | None = option(None, help="JSON that names cases to leave out, as `dataset check` writes it")
    class_names: tuple[str, ...] = option((), help="names for the label values 1, 2, ...", advanced=True)
    label_columns: tuple[str, ...] = option((), help="columns of a table that are labels", advanced=True)
    card: Path | None = option(None, help="JSON with title, description, licence, data ... of the card", advanced=True)
    register: bool = option(True, help="show the new model in the list of models", advanced=True)

    def __post_init__(self) -> None:
        check_options(self)
        if self.val_fraction + self.test_fraction >= 1:
            raise OptionError(
                f"--val-fraction {self.val_fraction} and --test-fraction {self.test_fraction} leave nothing to train."
            )


@dataclass(frozen=True)
class Fixed:
    """What a training used, kept in its description: no file has to be there to do it again."""

    recipe: Mapping[str, Any]
    said: Mapping[str, Any]


@dataclass(frozen=True)
class TrainResult:
    """A finished training.

    Parameters
    ----------
    history : tuple of dict
        Named numbers of every epoch.
    metrics : dict
        On the validation cases, through the finished package, as in its card.
    """

    package: ModelPackage
    history: tuple[Mapping[str, float], ...]
    metrics: Mapping[str, Metric]
    best_epoch: int


def train(options: TrainOptions, fixed: Fixed | None = None) -> Job[TrainResult]:
    """Train a model and write its package.

    A stop at any place leaves the last checkpoint in ``<out>.training``, and nothing under the
    model's own name; the same options with `resume` go on from there.

    Parameters
    ----------
    fixed : Fixed or None
        Recipe and card of an earlier training, to do it again; they overrule the options.

    Raises
    ------
    OptionError
        If the folder is there already, or the name is no name.
    DatasetError
        If the data cannot be learned from.
    """
    from napari_medclf.jobs.plan import draft_card, plan_for, read_said
    from napari_medclf.jobs.publish import move_package, publish
    from napari_medclf.jobs.spec import spec_of
    from napari_medclf.jobs.unfinished import UnfinishedTraining
    from napari_medclf.store.catalogue import Catalogue

    if options.out.exists():
        raise OptionError(f"{options.out} is there already. Choose another folder for the new model.")
    said = read_said(options.card) if fixed is None else dict(fixed.said)
    yield Progress(0, 0, f"opening {options.data}")
    dataset = yield from _open(options)
    init = _find_start(options.init)
    recipe = yield from plan_for(dataset, fixed.recipe if fixed else options.recipe, init, options.epochs, options.set)
    draft = draft_card(options.name or options.out.name, dataset, recipe, said)
    fixed = Fixed(recipe.model_dump(mode="json"), said)
    named = replace(options, name=draft.name, resume=False)
    spec = spec_of("train", named, seed=options.seed, base=Path.cwd(), fixed=fixed)
    unfinished = UnfinishedTraining.beside(options.out)
    unfinished.begin(spec, resume=options.resume)
    try:
        fitted = yield from _fit(options, dataset, draft, recipe, init, unfinished)
    finally:
        unfinished.remove_if_vain()
    unfinished.record(fitted.history)
    draft_package = yield from publish(fitted, dataset, spec, unfinished.package, said.get("licence_text", ""))
    measured = yield from _measured(draft_package, dataset, options.device)
    package = move_package(measured, options.out)
    unfinished.remove()
    if options.register:
        Catalogue().register(package.folder)
    return TrainResult(package, fitted.history, package.card.metrics, fitted.best_epoch)


def _open(options: TrainOptions) -> Job[Dataset]:
    from napari_medclf.domain.dataset import Split
    from napari_medclf.jobs.data import DataChoice, open_data, require_cases
    from napari_medclf.store.datasets import split_dataset

    choice = DataChoice(
        options.data,
        options.task,
        options.group_pattern,
        options.class_names,
        options.label_columns,
        options.split,
        options.exclude,
    )
    dataset = split_dataset(
        open_data(choice),
        val_fraction=options.val_fraction,
        test_fraction=options.test_fraction,
        seed=options.seed,
    )
    for warning in dataset.warnings:
        yield Warned(warning)
    require_cases(dataset, Split.TRAIN)
    require_cases(dataset, Split.VAL)
    n_groups = len({case.group_id for case in dataset.in_split(Split.VAL)})
    if n_groups < _FEW_GROUPS:
        yield Warned(
            f"Only {n_groups} patients or groups are left for validation: the numbers on them are rough, and the best "
            "epoch is partly luck. Add cases, or raise --val-fraction."
        )
    return dataset


def _fit(
    options: TrainOptions,
    dataset: Dataset,
    draft: ModelCard,
    recipe: Recipe,
    init: ModelPackage | None,
    unfinished: UnfinishedTraining,
) -> Job[Fitted]:
    from napari_medclf.domain.dataset import Split
    from napari_medclf.engine.device import choose_device
    from napari_medclf.engine.train.settings import FitSettings
    from napari_medclf.jobs.case_reader import CaseReader
    from napari_medclf.jobs.learn_by import learn_by
    from napari_medclf.jobs.load_cases import load_cases

    device = str(choose_device(options.device))
    reader = CaseReader(dataset)
    learned = yield from load_cases(reader, dataset.in_split(Split.TRAIN), recipe.input)
    validated = yield from load_cases(reader, dataset.in_split(Split.VAL), recipe.input)
    settings = FitSettings(
        checkpoint_dir=unfinished.checkpoints,
        seed=options.seed,
        max_minutes=options.max_minutes,
        resume=options.resume,
        init_state=_start_weights(init),
        device=device,
    )
    return (yield from learn_by(options, dataset, draft, recipe, (learned, validated), settings))


def _find_start(init: str) -> ModelPackage | None:
    from napari_medclf.store.catalogue import Catalogue

    if not init:
        return None
    package = Catalogue().find(init)
    if package.card.backend != "native":
        raise CardError(f"{package.name} came from another program; training goes on from models of this program.")
    return package


def _start_weights(init: ModelPackage | None) -> Mapping[str, Any] | None:
    from napari_medclf.engine.networks import build_network
    from napari_medclf.engine.weights import load_weights

    if init is None:
        return None
    network = build_network(init.card.network)
    load_weights(init, network)
    state: Mapping[str, Any] = network.state_dict()
    return state


def _measured(package: ModelPackage, dataset: Dataset, device: str) -> Job[ModelPackage]:
    """Measure the model on the validation cases as it will be used, and put the numbers into its card."""
    from napari_medclf.domain.dataset import Split
    from napari_medclf.jobs.evaluate import measure
    from napari_medclf.jobs.predict import RunOptions
    from napari_medclf.jobs.publish import with_card

    try:
        measured = yield from measure(package, dataset, dataset.in_split(Split.VAL), RunOptions(device=device))
    except MedclfError as error:  # hours of training must not be lost for it
        yield Warned(f"The model could not be measured on the validation cases: {error}")
        return package
    metrics = {f"val/{name}": metric for name, metric in measured.metrics.items()}
    return with_card(package, package.card.model_copy(update={"metrics": metrics}))
