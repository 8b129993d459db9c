"""Train a model: data to prepared cases, to a fitted network, to a model package that is in the list at once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_medclf.domain.card import Metric
from napari_medclf.domain.errors import CardError, MedclfError, OptionError
from napari_medclf.domain.events import Job, Progress, Warned
from napari_medclf.domain.options import option
from napari_medclf.domain.recipe.label_warnings import warnings_of
from napari_medclf.domain.recipe.way import Way
from napari_medclf.jobs.learn_data import LearnOptions, cases_to_learn, open_to_learn
from napari_medclf.jobs.torchrun import apart, is_helper
from napari_medclf.jobs.track import TrackBy, Tracker, make_tracker, tracked

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_medclf.domain.card import ModelCard
    from napari_medclf.domain.dataset import Dataset
    from napari_medclf.domain.package import ModelPackage
    from napari_medclf.domain.recipe import Recipe
    from napari_medclf.engine.train.fit import Fitted
    from napari_medclf.jobs.baselines import Baselines
    from napari_medclf.jobs.unfinished import UnfinishedTraining


@dataclass(frozen=True, kw_only=True)
class TrainOptions(LearnOptions):
    """What to train, from what, for how long."""

    out: Path = option(help="folder of the new model; must not be there yet")
    name: str = option("", help="name of the model; by default that of its folder")
    init: str = option("", help="model to start from (fine-tuning); its network and input are kept")
    ensemble: Way = option(Way.NONE, help="train several networks that answer as one model", choices=tuple(Way))
    members: int = option(5, help="how many networks an ensemble has, or folds", minimum=2, maximum=50)
    baselines: bool = option(True, help="fit classic models beside a deep one, to see whether it is needed")
    resume: bool = option(False, help="go on with the unfinished training of this model")
    card: Path | None = option(None, help="JSON with title, description, licence, data ... of the card", advanced=True)
    track: TrackBy = option(TrackBy.NONE, help="follow the training in this program", choices=tuple(TrackBy))
    track_to: Path | None = option(None, help="folder of its logs; by default `runs` beside the model", advanced=True)
    register: bool = option(True, help="show the new model in the list of models", advanced=True)


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
    with apart(options) as own:
        return (yield from _train(own, fixed))


def _train(options: TrainOptions, fixed: Fixed | None) -> Job[TrainResult]:
    from napari_medclf.jobs.baselines import write_baselines
    from napari_medclf.jobs.plan import draft_card, plan_for, read_said
    from napari_medclf.jobs.predict import RunOptions
    from napari_medclf.jobs.publish import move_package, publish
    from napari_medclf.jobs.spec import spec_of
    from napari_medclf.jobs.triage.learn import keep_traits
    from napari_medclf.jobs.unfinished import UnfinishedTraining
    from napari_medclf.store.catalogue import Catalogue

    if options.out.exists():
        raise OptionError(f"{options.out} is there already. Choose another folder for the new model.")
    said = read_said(options.card) if fixed is None else dict(fixed.said)
    yield Progress(0, 0, f"opening {options.data}")
    dataset = yield from open_to_learn(options)
    init = _find_start(options.init)
    chosen = fixed.recipe if fixed else options.recipe
    recipe = yield from plan_for(dataset, chosen, init, options.epochs, options.set, options.step)
    for sentence in warnings_of(recipe.augment, dataset.schema, dataset.task, recipe.input):
        yield Warned(sentence)
    draft = draft_card(options.name or options.out.name, dataset, recipe, said)
    fixed = Fixed(recipe.model_dump(mode="json"), said)
    named = replace(options, name=draft.name, resume=False)
    spec = spec_of("train", named, seed=options.seed, base=Path.cwd(), fixed=fixed)
    unfinished = UnfinishedTraining.beside(options.out)
    unfinished.begin(spec, resume=options.resume)
    try:
        fitting = _fit(options, dataset, draft, recipe, init, unfinished)
        fitted, baselines = yield from tracked(fitting, _tracker(options, draft.name), fixed.recipe)
    finally:
        unfinished.remove_if_vain()
    unfinished.record(fitted.history)
    draft_package = yield from publish(fitted, dataset, spec, unfinished.package, said.get("licence_text", ""))
    measured = draft_package
    if fitted.unseen is None:  # else the card has its numbers, of cases that parts of the model have not learned from
        measured = yield from _measured(draft_package, dataset, options.device)
    yield from keep_traits(measured, dataset, RunOptions(device=options.device), _traits_s(options))
    if baselines is not None:
        yield from write_baselines(measured, baselines, spec, recipe)
    package = move_package(measured, options.out)
    unfinished.remove()
    if options.register:
        Catalogue().register(package.folder)
    return TrainResult(package, fitted.history, package.card.metrics, fitted.best_epoch)


def _fit(
    options: TrainOptions,
    dataset: Dataset,
    draft: ModelCard,
    recipe: Recipe,
    init: ModelPackage | None,
    unfinished: UnfinishedTraining,
) -> Job[tuple[Fitted, Baselines | None]]:
    from napari_medclf.engine.device import choose_device
    from napari_medclf.engine.train.settings import FitSettings
    from napari_medclf.jobs.baselines import learn_beside
    from napari_medclf.jobs.learn_by import learn_by

    device = str(choose_device(options.device))
    cases = yield from cases_to_learn(dataset, recipe.input)
    settings = FitSettings(
        checkpoint_dir=unfinished.checkpoints,
        seed=options.seed,
        max_minutes=options.max_minutes,
        resume=options.resume,
        init_state=_start_weights(init),
        device=device,
    )
    learn = partial(learn_by, options, dataset, draft, recipe, cases)
    if not options.baselines:
        return (yield from learn(settings)), None
    return (yield from learn_beside(learn, draft, recipe, cases, settings))


def _traits_s(options: TrainOptions) -> float:
    """How long may be looked at what the training cases are like: a minute, and a twentieth of the time limit."""
    return 60.0 if options.max_minutes is None else min(60.0, 3.0 * options.max_minutes)


def _tracker(options: TrainOptions, name: str) -> Tracker | None:
    kind = TrackBy.NONE if is_helper() else options.track
    return make_tracker(kind, options.track_to or options.out.parent / "runs", name)


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
