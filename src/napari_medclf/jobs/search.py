"""Search better settings of a recipe for some data; the recipe that is found goes into `train --recipe`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_medclf.domain.events import Job, Progress
from napari_medclf.domain.options import option
from napari_medclf.jobs.learn_data import LearnOptions, cases_to_learn, open_to_learn

if TYPE_CHECKING:
    from napari_medclf.engine.auto.search import Found

RECIPE, TRIALS = "recipe.json", "trials.csv"


@dataclass(frozen=True, kw_only=True)
class SearchOptions(LearnOptions):
    """What to search for, and how long."""

    out: Path = option(help="folder for recipe.json, trials.csv and search.db; a search that is there goes on")
    trials: int = option(20, help="how many trainings, with those that are in the folder already", minimum=1)


@dataclass(frozen=True)
class Searched:
    """A finished search, and the recipe it wrote."""

    found: Found
    path: Path


def search_settings(options: SearchOptions) -> Job[Searched]:
    """Train with other settings again and again, and keep those that are best on the validation cases.

    The test cases are not looked at. ``max_minutes`` is for the whole search; each trial sees the data as often as the
    recipe, or ``epochs``, says.

    Raises
    ------
    BackendUnavailable
        If Optuna is not installed.
    DatasetError
        If the data cannot be learned from, or no trial came to an end.
    """
    from napari_medclf.atomic import atomic_write
    from napari_medclf.engine.auto.search import SearchSettings, search
    from napari_medclf.engine.device import choose_device
    from napari_medclf.jobs.plan import draft_card, plan_for
    from napari_medclf.jobs.tables import table_csv

    yield Progress(0, 0, f"opening {options.data}")
    dataset = yield from open_to_learn(options)
    recipe = yield from plan_for(dataset, options.recipe, None, options.epochs, options.set)
    draft = draft_card("search", dataset, recipe, {})
    train, val = yield from cases_to_learn(dataset, recipe.input)
    settings = SearchSettings(
        folder=options.out,
        n_trials=options.trials,
        seed=options.seed,
        max_minutes=options.max_minutes,
        device=str(choose_device(options.device)),
    )
    found = yield from search(draft, recipe, train, val, settings)
    atomic_write(options.out / TRIALS, table_csv(rows_of(found)))
    path = options.out / RECIPE
    atomic_write(path, found.recipe.model_dump_json(indent=1) + "\n")
    return Searched(found, path)


def rows_of(found: Found) -> list[dict[str, Any]]:
    """One row a trial: its number, its values, how good it was, how it ended."""
    return [
        {"trial": one.number, "score": one.score, "ended": "given up" if one.is_pruned else "done", **one.values}
        if one.score is not None
        else {"trial": one.number, "score": None, "ended": "failed", **one.values}
        for one in found.trials
    ]
