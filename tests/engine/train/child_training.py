"""A training in a process of its own: one of several that share it, or one that is killed."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import torch
from tiny_trainings import classify_recipe, finish, segment_recipe, start

from napari_medclf.domain.card import Task
from napari_medclf.domain.recipe import OptimiserSettings
from napari_medclf.engine.train import trainer

SGD = OptimiserSettings(kind="sgd", lr=0.05, accumulate=2)
AUGMENT = {"rotate_deg": 20, "flip_axes": (1,), "noise_sd": 0.1}
DROPOUT = {"dropout": 0.3}


def recipe_of(task: Task):
    if task is Task.CLASSIFY:
        return classify_recipe(optimiser=SGD, augment=AUGMENT, mixup_alpha=0.2, epochs=2)
    return segment_recipe(optimiser=SGD, augment=AUGMENT, epochs=2, samples_per_epoch=8)


def killed_recipe():
    recipe = segment_recipe(augment=AUGMENT, epochs=3, samples_per_epoch=12)
    network = recipe.network
    network = network.model_copy(update={"arguments": {**network.arguments, **DROPOUT}})
    return recipe.model_copy(update={"network": network})


def share(folder: Path) -> None:
    for task in (Task.SEGMENT, Task.CLASSIFY):
        fitted, _ = finish(start(task, recipe_of(task), folder / task.value))
        if os.environ["RANK"] == "0":
            torch.save({"weights": fitted.state_dict, "history": list(fitted.history)}, folder / f"{task.value}.pt")


def be_killed(folder: Path) -> None:
    """Keep the state after every step, and die by signal 9 in the middle of the second epoch."""
    trainer._KEEP_EVERY_S = 0.0
    step, n_steps = trainer.Trainer._step, 0

    def step_or_die(self, group, rate):
        nonlocal n_steps
        n_steps += 1
        if n_steps == 10:
            os.kill(os.getpid(), signal.SIGKILL)
        return step(self, group, rate)

    trainer.Trainer._step = step_or_die
    finish(start(Task.SEGMENT, killed_recipe(), folder))


if __name__ == "__main__":
    {"share": share, "be-killed": be_killed}[sys.argv[1]](Path(sys.argv[2]))
