"""The course of a training: epoch after epoch, each kept on disk, until it is over."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from napari_medclf.domain.events import EpochDone, Job, Warned
from napari_medclf.domain.recipe import Recipe
from napari_medclf.engine.train.checkpoint import CheckpointFolder
from napari_medclf.engine.train.history import History
from napari_medclf.engine.train.objectives.base import SCORE
from napari_medclf.engine.train.processes import Processes
from napari_medclf.engine.train.schedule import count_drops
from napari_medclf.engine.train.trainer import EpochPart, Pace, Trainer


@dataclass(frozen=True, eq=False)
class Course:
    """A training with the folder that keeps its states.

    Parameters
    ----------
    folder : CheckpointFolder or None
        None in all processes but the first.
    """

    trainer: Trainer
    recipe: Recipe
    processes: Processes
    folder: CheckpointFolder | None
    max_minutes: float | None

    def run(self, *, is_resumed: bool) -> Job[History]:
        """Train from the start, or from the last state that was kept, to the end."""
        history, part = History(), None
        if is_resumed:
            history, part = yield from self._resume()
        elif self.folder is not None:
            self.folder.clear()
        limit_s = None if self.max_minutes is None else self.max_minutes * 60
        started = time.perf_counter() - history.elapsed_s
        while not self._is_over(history, limit_s):
            n_drops = count_drops(history.scores, self.recipe.schedule.patience)
            pace = Pace(len(history.epochs), started, limit_s, n_drops)
            values = yield from self.trainer.train_epoch(pace, part, partial(self._keep, history, started))
            part = None
            values |= yield from self.trainer.validate()
            score = values.pop(SCORE)
            history = history.add(values, score, time.perf_counter() - started)
            self._save(history, None)
            yield EpochDone(len(history.epochs), self.recipe.epochs, values, is_best=history.is_best)
        return history

    def go_to_best(self, history: History) -> int:
        """Take up the state that becomes the model; returns the number of its epoch, from 1."""
        if self.recipe.keep != "best":
            return len(history.epochs)
        best = self.processes.same_state(None if self.folder is None else self.folder.load_best())
        if best is None:
            return len(history.epochs)
        self.trainer.restore(best["trainer"])
        return history.best_epoch

    def _is_over(self, history: History, limit_s: float | None) -> bool:
        is_over = history.is_over(self.recipe.epochs, self.recipe.patience, limit_s)
        return bool(self.processes.same_values({"is_over": float(is_over)})["is_over"])

    def _resume(self) -> Job[tuple[History, EpochPart | None]]:
        state, warnings = (None, ()) if self.folder is None else self.folder.load()
        for warning in warnings:
            yield Warned(warning)
        shared: dict[str, Any] | None = self.processes.same_state(state)
        if shared is None:
            return History(), None
        self.trainer.restore(shared["trainer"])
        part = None if shared["part"] is None else EpochPart.from_state(shared["part"])
        return History.from_state(shared["history"]), part

    def _keep(self, history: History, started: float, part: EpochPart) -> None:
        self._save(replace(history, elapsed_s=time.perf_counter() - started), part)

    def _save(self, history: History, part: EpochPart | None) -> None:
        if self.folder is None:
            return
        state = {
            "trainer": self.trainer.state(),
            "history": history.to_state(),
            "part": None if part is None else part.to_state(),
        }
        self.folder.save(state, is_best=part is None and history.is_best)
