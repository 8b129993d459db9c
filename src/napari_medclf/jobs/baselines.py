"""Classic models beside a deep one, on the same cases, to see whether deep learning is needed."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from napari_medclf.domain.card import Task
from napari_medclf.domain.errors import MedclfError
from napari_medclf.domain.events import EpochDone, Job, Noted, Progress, Warned
from napari_medclf.jobs.json_text import json_text

if TYPE_CHECKING:
    from napari_medclf.domain.card import Metric, ModelCard
    from napari_medclf.domain.package import ModelPackage
    from napari_medclf.domain.recipe import Recipe
    from napari_medclf.domain.run import RunSpec
    from napari_medclf.engine.classic.lineup import Entrant, LineUp
    from napari_medclf.engine.train.cases import TrainCase
    from napari_medclf.engine.train.fit import Fitted
    from napari_medclf.engine.train.settings import FitSettings

FOLDER, TABLE = "baseline", "docs/baselines.json"
"""In the package of the deep model."""
_MOST_MINUTES, _SHARE = 2.0, 0.1
"""What the classic models may take, at most, and as a part of the time limit."""
_TITLES = {
    "logistic": "logistic regression",
    "knn": "k nearest neighbours",
    "tree": "decision tree",
    "forest": "random forest",
    "boosting": "gradient boosting",
    "svm": "support vector machine",
}


@dataclass(frozen=True, eq=False)
class Baselines:
    """What classic models can do.

    Parameters
    ----------
    line_up : LineUp
        On features that are counted.
    rows : tuple of dict
        One a model, as in ``baselines.json``.
    left_out : dict
        Name of a model to why it was not fitted.
    minutes : float
        What all of them took.
    verdict : dict
        What follows for the deep model; empty before `judge`.
    """

    line_up: LineUp
    rows: tuple[dict[str, Any], ...]
    left_out: Mapping[str, str]
    minutes: float
    verdict: Mapping[str, Any] = field(default_factory=dict)

    @property
    def document(self) -> dict[str, Any]:
        """What ``baselines.json`` holds."""
        best = self.line_up.best
        return {
            "schema_version": 1,
            "split": "val",
            "best": best.family,
            **self.verdict,
            "rows": self.rows,
            "left_out": dict(self.left_out),
            "n_train": self.line_up.n_train,
            "seconds": round(60 * self.minutes, 1),
        }


def can_have_baselines(draft: ModelCard, recipe: Recipe) -> bool:
    """Whether classic models of this package can do what a model shall do, and it is not classic itself."""
    from napari_medclf.engine.recipes.classic import is_classic

    if is_classic(recipe.network) or draft.output.activation == "ordinal":
        return False
    return draft.task in (Task.CLASSIFY, Task.REGRESS)


def learn_beside(
    learn: Callable[[FitSettings], Job[Fitted]],
    draft: ModelCard,
    recipe: Recipe,
    cases: tuple[Sequence[TrainCase], Sequence[TrainCase]],
    settings: FitSettings,
) -> Job[tuple[Fitted, Baselines | None]]:
    """Train a deep model with classic ones beside it, all within the time limit.

    Parameters
    ----------
    learn : callable
        Trains the deep model.
    cases : (train, val)
    """
    train, val = cases
    if not can_have_baselines(draft, recipe):
        return (yield from learn(settings)), None
    baselines = yield from fit_baselines(draft, recipe, train, val, settings)
    fitted = yield from learn(rest_of(settings, baselines))
    if baselines is None:
        return fitted, None
    judged = yield from judge(baselines, fitted, recipe, val, settings)
    if fitted.unseen is not None:  # what its network sees of the validation cases was learned from them
        return fitted, judged
    return fitted, (yield from add_embeddings(judged, fitted, recipe, cases, settings))


def fit_baselines(
    draft: ModelCard, recipe: Recipe, train: Sequence[TrainCase], val: Sequence[TrainCase], settings: FitSettings
) -> Job[Baselines | None]:
    """Fit classic models on what the deep model will learn from, in a tenth of its time and two minutes at most.

    Returns
    -------
    Baselines or None
        None, with a warning, where they cannot be fitted: a training must not fail for them.
    """
    from napari_medclf.engine.classic.lineup import line_up

    started = time.perf_counter()
    limited = replace(settings, max_minutes=_budget(settings), init_state=None)
    try:
        found = yield from _quietly(line_up(draft, recipe, train, val, limited), "Classic models")
    except (MedclfError, ValueError) as error:  # scikit-learn refuses odd data by ValueError
        yield Warned(f"No classic models stand beside this one: {error}")
        return None
    rows = yield from _rows(found, val, draft, "counted")
    return Baselines(found, rows, found.left_out, (time.perf_counter() - started) / 60)


def rest_of(settings: FitSettings, baselines: Baselines | None) -> FitSettings:
    """What is left of the time limit for the deep model."""
    if settings.max_minutes is None or baselines is None:
        return settings
    return replace(settings, max_minutes=max(settings.max_minutes - baselines.minutes, settings.max_minutes / 2))


def judge(
    baselines: Baselines, fitted: Fitted, recipe: Recipe, val: Sequence[TrainCase], settings: FitSettings
) -> Job[Baselines]:
    """Compare the deep model with the best classic one on the validation cases, and say what follows."""
    from napari_medclf.engine.classic.verdict import answers_of, compare_answers, main_number, sentence_of

    card = fitted.card
    best = baselines.line_up.best
    deep = yield from answers_of(fitted, recipe, val, settings.device)
    found = yield from compare_answers(baselines.line_up.answers(best), deep, val, card)
    is_better, sentence = sentence_of(found, card, _TITLES[best.family], len(val))
    yield Noted(sentence)
    own = yield from _row(deep, val, card)
    verdict = {
        "sentence": sentence,
        "is_deep_better": is_better,
        "difference": {"name": main_number(card), "value": found.value, "ci95": found.ci95},
        "deep": own | {"name": card.name, "title": card.title},
    }
    return replace(baselines, verdict=verdict)


def add_embeddings(
    baselines: Baselines,
    fitted: Fitted,
    recipe: Recipe,
    cases: tuple[Sequence[TrainCase], Sequence[TrainCase]],
    settings: FitSettings,
) -> Job[Baselines]:
    """Fit the same classic models on what the finished network sees, frozen.

    Parameters
    ----------
    cases : (train, val)
    """
    from napari_medclf.engine.classic.lineup import line_up

    train, val = cases
    started = time.perf_counter()
    limited = replace(settings, max_minutes=_budget(settings) / 2, init_state=fitted.state_dict)
    network = fitted.card.network
    try:
        found = yield from _quietly(line_up(fitted.card, recipe, train, val, limited, network), "Models on embeddings")
    except (MedclfError, ValueError) as error:
        yield Warned(f"No classic models stand on the embeddings of this one: {error}")
        return baselines
    rows = yield from _rows(found, val, fitted.card, "embedding")
    left_out = {f"{name}-deep": reason for name, reason in found.left_out.items()}
    minutes = baselines.minutes + (time.perf_counter() - started) / 60
    return replace(
        baselines, rows=(*baselines.rows, *rows), left_out={**baselines.left_out, **left_out}, minutes=minutes
    )


def write_baselines(package: ModelPackage, baselines: Baselines, spec: RunSpec, recipe: Recipe) -> Job[None]:
    """Put the table of all classic models, and the best of them as a package, into the package of the deep one.

    Parameters
    ----------
    spec, recipe : RunSpec, Recipe
        Of the deep model's training.
    """
    from safetensors.torch import save

    from napari_medclf.atomic import atomic_write
    from napari_medclf.engine.fingerprint import compute_fingerprint
    from napari_medclf.engine.networks import build_network
    from napari_medclf.store.bundle import write_package

    best = baselines.line_up.best
    fitted = yield from baselines.line_up.finish(best)
    network = build_network(fitted.card.network)
    network.load_state_dict(fitted.state_dict)
    card = _card(fitted.card, package.card, best).model_copy(
        update={"fingerprint": compute_fingerprint(fitted.card, network)}
    )
    kept = ("configs/splits.json", "configs/learned.json")
    files = {name: (package.folder / name).read_bytes() for name in kept if (package.folder / name).is_file()}
    licence_text = (package.folder / "LICENSE").read_text(encoding="utf-8")
    alone = _spec(spec, card, best, recipe)
    write_package(package.folder / FOLDER, card, save(fitted.state_dict), alone, licence_text, files)
    atomic_write(package.folder / TABLE, json_text(baselines.document) + "\n")


def _budget(settings: FitSettings) -> float:
    if settings.max_minutes is None:
        return _MOST_MINUTES
    return min(_SHARE * settings.max_minutes, _MOST_MINUTES)


def _quietly(job: Job[LineUp], message: str) -> Job[LineUp]:
    """Run a job without its epochs, which would look like the deep model's."""
    try:
        while True:
            event = next(job)
            if isinstance(event, Warned):
                continue  # which cases a kind leaves out stands in the table
            if isinstance(event, EpochDone):
                event = Progress(event.epoch, event.n_epochs, message)
            yield event
    except StopIteration as end:
        found: LineUp = end.value
        return found
    finally:
        job.close()


def _rows(found: LineUp, val: Sequence[TrainCase], card: ModelCard, features: str) -> Job[tuple[dict[str, Any], ...]]:
    rows = []
    for one in found.entrants:
        measured = yield from _row(found.answers(one), val, card)
        numbers = {name.removeprefix("val/"): value for name, value in one.best.values.items() if name[:4] == "val/"}
        metrics = {name: {"value": value, "ci95": None} for name, value in numbers.items()} | measured["metrics"]
        ending = "" if features == "counted" else " on the deep model's embedding"
        rows.append(
            {
                "name": one.family if features == "counted" else f"{one.family}-deep",
                "title": f"{_TITLES[one.family]}{ending}",
                "features": features,
                "metrics": metrics,
                "settings": dict(one.best.settings),
                "seconds": round(one.elapsed_s, 2),
            }
        )
    return tuple(rows)


def _row(answers: Any, val: Sequence[TrainCase], card: ModelCard) -> Job[dict[str, Any]]:
    from napari_medclf.engine.classic.verdict import main_number, measure_answers

    metric: Metric = yield from measure_answers(answers, val, card)
    return {"metrics": {main_number(card): {"value": metric.value, "ci95": metric.ci95}}}


def _card(card: ModelCard, deep: ModelCard, best: Entrant) -> ModelCard:
    title = _TITLES[best.family]
    return card.model_copy(
        update={
            "name": f"{deep.name[:70]}-baseline",
            "title": f"{title[0].upper()}{title[1:]} beside {deep.title}",
            "description": (
                f"The best classic model on the validation cases of {deep.name}: a {title} on intensity, texture "
                "(GLCM, LBP, HOG), form and coarse pixels. It is there to be compared with."
            ),
        }
    )


def _spec(spec: RunSpec, draft: ModelCard, best: Entrant, recipe: Recipe) -> RunSpec:
    """What trains the baseline alone."""
    from napari_medclf.engine.classic.lineup import classic_network

    network = classic_network(draft)
    chosen = {"kind": best.best.kind, **best.best.settings}
    network = network.model_copy(update={"arguments": network.arguments | chosen})
    alone = recipe.model_copy(update={"family": best.family, "network": network})
    fixed = dict(spec.options.get("fixed", {})) | {"recipe": alone.model_dump(mode="json")}
    changed = {"recipe": best.family, "name": draft.name, "baselines": False, "set": [], "fixed": fixed}
    return spec.model_copy(update={"options": {**spec.options, **changed}})
