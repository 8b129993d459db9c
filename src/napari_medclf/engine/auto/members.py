"""Train several members one after the other; those that are finished stay finished after a kill."""

from __future__ import annotations

import io
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from napari_medclf.atomic import atomic_write
from napari_medclf.domain.card import ModelCard
from napari_medclf.domain.events import EpochDone, Job, Noted, Progress
from napari_medclf.domain.recipe import Recipe
from napari_medclf.engine.train.cases import TrainCase
from napari_medclf.engine.train.fit import Fitted
from napari_medclf.engine.train.learn import learn
from napari_medclf.engine.train.settings import FitSettings

_FINISHED = "fitted.pt"


@dataclass(frozen=True, eq=False)
class MemberPlan:
    """One member to be.

    Parameters
    ----------
    name : str
        For people, and for its folder: ``resnet18-1``, ``fold-3``.
    share_of_time : float
        Part of the time limit that it may take.
    goes_on : bool
        Whether it begins with the weights of the member before it (a snapshot) rather than at random.
    """

    name: str
    recipe: Recipe
    train: Sequence[TrainCase]
    val: Sequence[TrainCase]
    seed: int
    share_of_time: float
    goes_on: bool = False


def fit_members(draft: ModelCard, plans: Sequence[MemberPlan], settings: FitSettings) -> Job[list[Fitted]]:
    """Train the members in their order, each in a folder of its own below the checkpoints.

    Parameters
    ----------
    draft : ModelCard
        Its network is exchanged for that of each member's recipe.
    settings : FitSettings
        `max_minutes` is for all of them together; time that one leaves is shared by those that follow. With `resume`, a
        member that was finished is read back.
    """
    started = time.perf_counter()
    done: list[Fitted] = []
    for number, plan in enumerate(plans):
        left = _minutes_left(settings, started, plans[number:])
        own = replace(
            settings,
            checkpoint_dir=settings.checkpoint_dir / plan.name,
            seed=plan.seed,
            max_minutes=left,
            init_state=done[-1].state_dict if plan.goes_on and done else settings.init_state,
        )
        done.append((yield from _fit_one(draft, plan, own, (number, len(plans)))))
    return done


def _minutes_left(settings: FitSettings, started: float, plans: Sequence[MemberPlan]) -> float | None:
    if settings.max_minutes is None:
        return None
    left = settings.max_minutes - (time.perf_counter() - started) / 60
    share = plans[0].share_of_time / sum(plan.share_of_time for plan in plans)
    return max(left * share, 0.01)


def _fit_one(draft: ModelCard, plan: MemberPlan, settings: FitSettings, place: tuple[int, int]) -> Job[Fitted]:
    number, total = place
    card = draft.model_copy(update={"network": plan.recipe.network, "input": plan.recipe.input})
    path = settings.checkpoint_dir / _FINISHED
    kept = _read(path) if settings.resume else None
    if kept is not None:
        yield Noted(f"{plan.name} was trained already.")
        return kept
    path.unlink(missing_ok=True)
    yield Noted(f"Training {plan.name}, {number + 1} of {total}.")
    fitted = yield from _retold(learn(card, plan.recipe, plan.train, plan.val, settings), plan.name, place)
    atomic_write(path, _packed(fitted))
    return fitted


def _retold(job: Job[Fitted], name: str, place: tuple[int, int]) -> Job[Fitted]:
    """Tell one member's progress as a part of the whole."""
    number, total = place
    furthest = 0.0  # a validation counts its own cases, from 0
    while True:
        try:
            event = next(job)
        except StopIteration as end:
            fitted: Fitted = end.value
            return fitted
        if isinstance(event, Progress) and event.total > 0:
            furthest = max(furthest, event.done / event.total if event.message.startswith("Epoch") else 0.0)
            event = Progress(number + furthest, total, f"{name}: {event.message}")
        elif isinstance(event, EpochDone):
            event = replace(event, epoch=event.epoch + number * event.n_epochs, n_epochs=event.n_epochs * total)
        try:
            yield event
        except GeneratorExit:
            job.close()
            raise


def _packed(fitted: Fitted) -> bytes:
    buffer = io.BytesIO()
    content: dict[str, Any] = {
        "state_dict": fitted.state_dict,
        "card": fitted.card.model_dump_json(by_alias=True),
        "history": list(fitted.history),
        "best_epoch": fitted.best_epoch,
        "val_metrics": fitted.val_metrics,
        "elapsed_s": fitted.elapsed_s,
    }
    torch.save(content, buffer)
    return buffer.getvalue()


def _read(path: Path) -> Fitted | None:
    try:
        content = torch.load(io.BytesIO(path.read_bytes()), map_location="cpu", weights_only=True)
    except FileNotFoundError:
        return None
    card = ModelCard.model_validate_json(content.pop("card"))
    return Fitted(card=card, history=tuple(content.pop("history")), **content)
