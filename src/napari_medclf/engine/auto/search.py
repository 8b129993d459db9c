"""Look for better settings of a recipe, judged on validation cases alone; goes on after a kill."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from napari_medclf.domain.card import ModelCard
from napari_medclf.domain.errors import BackendUnavailable, DatasetError
from napari_medclf.domain.events import EpochDone, Job, Noted, Progress
from napari_medclf.domain.recipe import Recipe
from napari_medclf.engine.auto.space import own_values, suggest
from napari_medclf.engine.train.cases import TrainCase
from napari_medclf.engine.train.learn import learn
from napari_medclf.engine.train.settings import FitSettings

DATABASE = "search.db"


@dataclass(frozen=True)
class SearchSettings:
    """How long to look, and where to remember.

    Parameters
    ----------
    folder : Path
        Gets ``search.db`` with every trial, and the checkpoints of the one that runs.
    n_trials : int
        In all, with those of an earlier run in the same folder.
    max_minutes : float or None
        No trial begins after this time.
    """

    folder: Path
    n_trials: int
    seed: int = 0
    max_minutes: float | None = None
    device: str = "cpu"


@dataclass(frozen=True)
class Trial:
    """One training with other settings.

    Parameters
    ----------
    score : float or None
        Best of its epochs on the validation cases; None where it failed.
    is_pruned : bool
        Whether it was given up early, as it lagged behind the others.
    """

    number: int
    values: Mapping[str, Any]
    score: float | None
    is_pruned: bool


@dataclass(frozen=True)
class Found:
    """The best settings, and all trials."""

    recipe: Recipe
    score: float
    trials: tuple[Trial, ...]


def search(
    draft: ModelCard, recipe: Recipe, train: Sequence[TrainCase], val: Sequence[TrainCase], settings: SearchSettings
) -> Job[Found]:
    """Train with other settings again and again; the first trial is the recipe as it is.

    Raises
    ------
    BackendUnavailable
        If Optuna is not installed.
    DatasetError
        If not one trial came to an end.

    Notes
    -----
    Optuna's tree-structured Parzen estimator (Bergstra 2011) proposes; a trial whose score is below the median of the
    others' at the same epoch is given up.
    """
    study = _open_study(settings, recipe)
    started = time.perf_counter()
    while (n_done := _count_done(study)) < settings.n_trials:
        if settings.max_minutes is not None and time.perf_counter() - started > settings.max_minutes * 60:
            break
        trial = study.ask()
        changed = suggest(trial, recipe)
        yield Noted(f"Trial {n_done + 1} of {settings.n_trials}: {_told(trial.params)}")
        job = learn(draft, changed, train, val, _fit_settings(settings))
        yield from _run(study, trial, job, (n_done, settings.n_trials))
    shutil.rmtree(_fit_settings(settings).checkpoint_dir, ignore_errors=True)
    return _found(study, recipe)


def score_of(values: Mapping[str, float]) -> float:
    """Say how good an epoch is: Dice, AUC or accuracy where there is one; the loss between equal ones."""
    quality = next((values[name] for name in ("val/dice", "val/auc", "val/accuracy") if name in values), 0.0)
    return quality - (1e-3 if quality else 1.0) * values["val/loss"]


def _run(study: Any, trial: Any, job: Job[Any], place: tuple[int, int]) -> Job[None]:
    from optuna.trial import TrialState

    best = float("-inf")
    try:
        for event in job:
            if isinstance(event, EpochDone):
                best = max(best, score_of(event.values))
                trial.report(best, event.epoch)
                yield Progress(place[0] + event.epoch / event.n_epochs, place[1], f"trial {place[0] + 1}: {best:.4f}")
                if trial.should_prune():
                    study.tell(trial, state=TrialState.PRUNED)
                    return
            else:
                yield replace(event, done=place[0], total=place[1]) if isinstance(event, Progress) else event
    except DatasetError as error:  # such as a learning rate at which the loss is no longer a number
        yield Noted(f"Trial {place[0] + 1} failed: {error}")
        study.tell(trial, state=TrialState.FAIL)
        return
    finally:
        job.close()
    study.tell(trial, best)


def _open_study(settings: SearchSettings, recipe: Recipe) -> Any:
    try:
        import optuna
    except ImportError as error:
        raise BackendUnavailable('Searching needs Optuna: pip install "napari-medclf[search]".') from error
    from optuna.trial import TrialState

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    settings.folder.mkdir(parents=True, exist_ok=True)
    storage = f"sqlite:///{settings.folder / DATABASE}"
    study = optuna.create_study(
        storage=storage, study_name="search", direction="maximize", load_if_exists=True,
        pruner=optuna.pruners.MedianPruner(n_startup_trials=3, n_warmup_steps=2),
    )  # fmt: skip
    for trial in study.get_trials(states=(TrialState.RUNNING,)):  # of a run that was killed
        study.tell(trial.number, state=TrialState.FAIL)
    # The seed moves with the trials that are there, so that a search that goes on does not repeat itself.
    study.sampler = optuna.samplers.TPESampler(seed=settings.seed + 1000 * len(study.trials), n_startup_trials=4)
    if not study.trials:
        study.enqueue_trial(own_values(recipe))
    return study


def _count_done(study: Any) -> int:
    return sum(1 for trial in study.trials if trial.state.is_finished())


def _fit_settings(settings: SearchSettings) -> FitSettings:
    return FitSettings(checkpoint_dir=settings.folder / "checkpoints", seed=settings.seed, device=settings.device)


def _found(study: Any, recipe: Recipe) -> Found:
    from optuna.trial import FixedTrial, TrialState

    trials = tuple(
        Trial(one.number, one.params, one.value, is_pruned=one.state == TrialState.PRUNED) for one in study.trials
    )
    if not any(one.score is not None and not one.is_pruned for one in trials):
        raise DatasetError("Not one trial came to an end. Give the search more time, or fewer epochs.")
    return Found(suggest(FixedTrial(study.best_params), recipe), study.best_value, trials)


def _told(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value:.3g}" for name, value in values.items())
