"""A network with its optimiser: one epoch of learning, one validation, and the state of both."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from napari_medclf.domain.errors import DatasetError
from napari_medclf.domain.events import Job, Progress
from napari_medclf.domain.recipe import Recipe
from napari_medclf.engine.networks import build_network
from napari_medclf.engine.train.batch import Batch
from napari_medclf.engine.train.ema import WeightAverage
from napari_medclf.engine.train.objectives.base import Objective
from napari_medclf.engine.train.schedule import learning_rate, progress_of

_PROGRESS_EVERY_S = 0.2


class Trainer:
    """Lower an objective's loss, and validate an average of the weights.

    All random numbers of an epoch follow from the seed and the epoch's number alone, so a training
    that is resumed at an epoch is the training that was never stopped.
    """

    def __init__(self, objective: Objective, recipe: Recipe, *, seed: int, device: str) -> None:
        self._objective, self._recipe, self._seed, self._device = objective, recipe, seed, device
        torch.manual_seed(seed)
        self._layout = torch.channels_last if recipe.input.spatial_dims == 2 else torch.channels_last_3d
        self._network = build_network(recipe.network).to(device).to(memory_format=self._layout)  # type: ignore[call-overload]  # not in torch 2.13's stubs
        self._average = WeightAverage(self._network, recipe.averaging.decay)
        self._optimiser = torch.optim.AdamW(
            _decayed_apart(self._network, recipe.optimiser.weight_decay), lr=recipe.optimiser.lr
        )
        self._n_steps_done = 0

    @property
    def averaged(self) -> nn.Module:
        """The network that is validated and kept."""
        return self._average.network

    def train_epoch(self, epoch: int, started: float, limit_s: float | None) -> Job[dict[str, float]]:
        """Learn for one epoch.

        Parameters
        ----------
        epoch : int
            From 0.
        started : float
            When the training started, on the clock of `time.perf_counter`.
        limit_s : float or None
            How long the whole training may take.

        Raises
        ------
        DatasetError
            If the loss is no longer a number.
        """
        torch.manual_seed(self._seed * 100_003 + epoch + 1)
        generator = torch.Generator().manual_seed(self._seed * 100_003 + epoch)
        n_steps = self._recipe.epochs * self._objective.n_batches()
        losses: list[float] = []
        told = 0.0
        self._network.train()
        for batch in self._objective.batches(generator):
            elapsed_s = time.perf_counter() - started
            progress = progress_of(self._n_steps_done, n_steps, elapsed_s, limit_s)
            if progress >= 1 and losses:
                break
            rate = learning_rate(progress, self._recipe.optimiser.lr, self._recipe.schedule.warmup)
            losses.append(self._step(batch, rate))
            if time.perf_counter() - told > _PROGRESS_EVERY_S:
                told = time.perf_counter()
                yield Progress(progress * n_steps, n_steps, f"Epoch {epoch + 1}: loss {losses[-1]:.3f}")
        return {"train/loss": sum(losses) / len(losses), "lr": rate}

    def validate(self) -> Job[dict[str, float]]:
        """Measure the averaged network."""
        return (yield from self._objective.validate(self.averaged))

    def take_over(self, weights: Mapping[str, Tensor]) -> list[str]:
        """Start from the weights that fit by name and shape; returns the names of the others."""
        own = self._network.state_dict()
        fitting = {name: weight for name, weight in weights.items() if name in own and own[name].shape == weight.shape}
        self._network.load_state_dict(fitting, strict=False)
        self._average = WeightAverage(self._network, self._recipe.averaging.decay)
        return [name for name in weights if name not in fitting]

    def weights(self) -> dict[str, Tensor]:
        """The averaged weights, on the CPU, each contiguous and on its own."""
        state = self.averaged.state_dict()
        return {name: value.detach().cpu().contiguous().clone() for name, value in state.items()}

    def state(self) -> dict[str, Any]:
        """All that `restore` needs."""
        return {
            "network": self._network.state_dict(),
            "average": self.averaged.state_dict(),
            "optimiser": self._optimiser.state_dict(),
            "n_steps_done": self._n_steps_done,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Be where `state` was taken."""
        self._network.load_state_dict(state["network"])
        self.averaged.load_state_dict(state["average"])
        self._optimiser.load_state_dict(state["optimiser"])
        self._n_steps_done = state["n_steps_done"]

    def _step(self, batch: Batch, rate: float) -> float:
        for group in self._optimiser.param_groups:
            group["lr"] = rate
        on_device = batch.to(self._device, self._layout)
        with torch.autocast(self._device, torch.bfloat16, enabled=self._recipe.precision == "bfloat16"):
            loss = self._objective.loss(self._network, on_device)
        self._optimiser.zero_grad()
        loss.backward()
        norm = nn.utils.clip_grad_norm_(self._network.parameters(), self._recipe.optimiser.clip_norm or float("inf"))
        if norm.isfinite():  # bfloat16 overflows now and then; such a step would ruin all weights
            self._optimiser.step()
        self._n_steps_done += 1
        self._average.update(self._network, self._n_steps_done)
        value = loss.item()
        if value != value:  # only NaN differs from itself
            raise DatasetError(
                "The loss is no longer a number. Take a lower learning rate, or look for empty or damaged images."
            )
        return value


def _decayed_apart(network: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    parameters = [parameter for parameter in network.parameters() if parameter.requires_grad]
    return [
        {"params": [one for one in parameters if one.dim() > 1], "weight_decay": weight_decay},
        {"params": [one for one in parameters if one.dim() <= 1], "weight_decay": 0.0},
    ]
