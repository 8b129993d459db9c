"""Train whatever a card's network is."""

from __future__ import annotations

from collections.abc import Sequence

from napari_medclf.domain.card import ModelCard
from napari_medclf.domain.events import Job
from napari_medclf.domain.recipe import Recipe
from napari_medclf.engine.recipes.classic import CLASSIC, PIXEL_FOREST
from napari_medclf.engine.train.cases import TrainCase
from napari_medclf.engine.train.fit import Fitted, fit
from napari_medclf.engine.train.settings import FitSettings


def learn(
    draft: ModelCard, recipe: Recipe, train: Sequence[TrainCase], val: Sequence[TrainCase], settings: FitSettings
) -> Job[Fitted]:
    """Fit a card's model to cases: the one way from prepared cases to weights and a card.

    Parameters
    ----------
    draft : ModelCard
        Task, classes, input and network of the model to be.
    train, val : sequence of TrainCase
        As `engine.prepare` made them, with no patient in both.

    Yields
    ------
    Progress, EpochDone after each epoch, Warned.

    Raises
    ------
    DatasetError
        If the cases cannot be learned from.
    """
    if draft.network.target == CLASSIC:
        from napari_medclf.engine.classic.fit import fit_classic

        return (yield from fit_classic(draft, recipe, train, val, settings))
    if draft.network.target == PIXEL_FOREST:
        from napari_medclf.engine.classic.fit_pixels import fit_pixel_forest

        return (yield from fit_pixel_forest(draft, recipe, train, val, settings))
    return (yield from fit(draft, recipe, train, val, settings))
