"""Learn as the options say: one network, several of them, or whatever proves itself within a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from napari_medclf.domain.events import Job
from napari_medclf.domain.recipe import Recipe, Way

if TYPE_CHECKING:
    from napari_medclf.domain.card import ModelCard
    from napari_medclf.domain.dataset import Dataset
    from napari_medclf.engine.auto.auto import Portfolio
    from napari_medclf.engine.train.cases import TrainCase
    from napari_medclf.engine.train.fit import Fitted
    from napari_medclf.engine.train.settings import FitSettings
    from napari_medclf.jobs.train import TrainOptions


def learn_by(
    options: TrainOptions,
    dataset: Dataset,
    draft: ModelCard,
    recipe: Recipe,
    cases: tuple[Sequence[TrainCase], Sequence[TrainCase]],
    settings: FitSettings,
) -> Job[Fitted]:
    """Fit one model from training and validation cases.

    Parameters
    ----------
    recipe : Recipe
        Of one network; with ``auto``, the first choice, whose input all others share.
    cases : (train, val)
    """
    from napari_medclf.engine.auto.auto import learn_auto
    from napari_medclf.engine.auto.join import join
    from napari_medclf.engine.auto.members import fit_members
    from napari_medclf.engine.auto.portfolio import AUTO
    from napari_medclf.engine.auto.ways import plan_members
    from napari_medclf.engine.train.learn import learn

    train, val = cases
    if options.recipe == AUTO:
        portfolio = yield from _portfolio(dataset, recipe, options)
        return (yield from learn_auto(draft, portfolio, train, val, settings))
    if options.ensemble is Way.NONE:
        return (yield from learn(draft, recipe, train, val, settings))
    plans = plan_members(options.ensemble, options.members, recipe, train, val, options.seed)
    members = yield from fit_members(draft, plans, settings)
    return join(draft, members, [1 / len(members)] * len(members))


def _portfolio(dataset: Dataset, first: Recipe, options: TrainOptions) -> Job[Portfolio]:
    from napari_medclf.engine.auto.auto import Portfolio
    from napari_medclf.engine.auto.portfolio import deep_names, has_classic_models, tuned
    from napari_medclf.jobs.plan import look_at_some, plan_for

    look = yield from look_at_some(dataset)
    deep = [first]
    for name in deep_names(dataset.task)[1:]:
        planned = yield from plan_for(dataset, name, None, options.epochs, options.set)
        deep.append(tuned(planned, look).model_copy(update={"input": first.input}))
    has_classic = has_classic_models(dataset.task) and first.loss.kind != "ordinal"
    return Portfolio(tuple(deep), has_classic=has_classic)
