"""A network with its optimiser: one epoch of learning, one validation, and the state of both."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any

import torch
from torch import Tensor, nn

from napari_medclf.domain.errors import DatasetError
from napari_medclf.domain.events import Job, Progress, Warned
from napari_medclf.domain.recipe import Recipe
from napari_medclf.engine.background import Worker, wait_for
from napari_medclf.engine.networks import build_network
from napari_medclf.engine.train.ahead import Ahead, has_spare_core
from napari_medclf.engine.train.averaging import WeightAverage
from napari_medclf.engine.train.batch import Batch
from napari_medclf.engine.train.objectives.base import Objective
from napari_medclf.engine.train.optimisers.make import make_optimiser, set_rate
from napari_medclf.engine.train.precision import Precision
from napari_medclf.engine.train.processes import Processes, SharedNetwork
from napari_medclf.engine.train.schedule import progress_of, rate_factor
from napari_medclf.engine.train.shared_norm import share_batch_norms
from napari_medclf.engine.train.transfer import TransferReport, freeze, still_frozen_parts, take_over, unfreeze

_PROGRESS_EVERY_S = 0.2
_KEEP_EVERY_S = 120.0
_FEW_LOST, _PART_LOST = 2, 0.05
"""Steps of an epoch that may overflow before a person is told; float16 looks for its scale with the first ones."""
"""An epoch that takes long is kept this often."""


@dataclass(frozen=True, eq=False)
class EpochPart:
    """How far an epoch is.

    Parameters
    ----------
    n_batches : int
        Batches that are done.
    losses : tuple of float
        Of every step.
    random : dict of Tensor
        States of torch's own generators, which dropout draws from.
    """

    n_batches: int = 0
    losses: tuple[float, ...] = ()
    random: Mapping[str, Tensor] | None = None

    def to_state(self) -> dict[str, Any]:
        """As plain values, for a checkpoint."""
        return {"n_batches": self.n_batches, "losses": list(self.losses), "random": dict(self.random or {})}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> EpochPart:
        """From what `to_state` gave."""
        return cls(state["n_batches"], tuple(state["losses"]), state["random"])


@dataclass(frozen=True)
class Pace:
    """How fast an epoch is to learn.

    Parameters
    ----------
    epoch : int
        From 0.
    started : float
        When the training started, on the clock of `time.perf_counter`.
    limit_s : float or None
        How long the whole training may take.
    n_drops : int
        How often the validation met a plateau.
    """

    epoch: int
    started: float
    limit_s: float | None = None
    n_drops: int = 0


class Trainer:
    """Lower an objective's loss, and validate an average of the weights.

    All random numbers of an epoch follow from the seed and the epoch's number alone, so a training
    that is resumed is the training that was never stopped.
    """

    def __init__(
        self, objective: Objective, recipe: Recipe, *, seed: int, device: str, processes: Processes | None = None
    ) -> None:
        self._objective, self._recipe, self._seed, self._device = objective, recipe, seed, device
        self._processes = processes or Processes(device=device)
        torch.manual_seed(seed)
        network = build_network(recipe.network)
        self._layout = memory_layout(network, device, recipe.input.spatial_dims)
        self._network = network.to(device).to(memory_format=self._layout)  # type: ignore[call-overload]  # not in torch 2.13's stubs
        self._called: nn.Module = self._network
        if self._processes.n > 1:
            share_batch_norms(self._network)
            self._called = SharedNetwork(self._network, self._processes)
        self._average = WeightAverage(self._network, recipe.averaging)
        self._optimiser = make_optimiser(self._network, recipe.optimiser, recipe.transfer.layer_decay)
        self._precision = Precision(recipe.precision, device)
        self._report: TransferReport | None = None
        self._n_steps_done = 0

    @property
    def network(self) -> nn.Module:
        """The network that learns."""
        return self._network

    @property
    def layout(self) -> torch.memory_format:
        """How its inputs lie in memory."""
        return self._layout

    @property
    def averaged(self) -> nn.Module:
        """The network that is validated and kept."""
        return self._average.network

    def n_steps(self) -> int:
        """Steps of the whole training."""
        return self._recipe.epochs * -(-self._objective.n_batches() // self._recipe.optimiser.accumulate)

    def train_epoch(
        self, pace: Pace, part: EpochPart | None = None, keep: Callable[[EpochPart], None] | None = None
    ) -> Job[dict[str, float]]:
        """Learn for one epoch.

        Parameters
        ----------
        part : EpochPart or None
            What of the epoch is done already.
        keep : callable or None
            Called with how far the epoch is, now and then between two steps.

        Raises
        ------
        DatasetError
            If the loss is no longer a number.
        """
        part = part or EpochPart()
        losses, n_batches = list(part.losses), part.n_batches
        n_done_before, n_left_out_before = self._n_steps_done, self._precision.n_left_out
        told = kept = time.perf_counter()
        self._begin(pace.epoch, part)
        progress, rate = 0.0, 0.0
        with self._drawn(pace.epoch, n_batches) as batches, closing(Worker()) as worker:
            while group := list(islice(batches, self._recipe.optimiser.accumulate)):
                progress = self._progress(pace)
                if progress >= 1 and losses:
                    break
                rate = self._recipe.optimiser.lr * rate_factor(progress, self._recipe.schedule, pace.n_drops)
                shown = self._shown(pace, progress, losses)
                # A step of a large network takes seconds, and a stop must not wait for it.
                losses.append((yield from wait_for(worker.submit(partial(self._step, group, rate)), shown)))
                n_batches += len(group)
                now = time.perf_counter()
                if now - told > _PROGRESS_EVERY_S:
                    told = now
                    yield self._shown(pace, progress, losses)
                if keep is not None and now - kept > _KEEP_EVERY_S:
                    kept = now
                    keep(EpochPart(n_batches, tuple(losses), _random_state(self._device)))
        self._average.after_epoch(self._network, progress)
        yield from _warn_of_lost_steps(
            pace.epoch, self._precision.n_left_out - n_left_out_before, self._n_steps_done - n_done_before
        )
        return {"train/loss": sum(losses) / len(losses), "lr": rate}

    def validate(self) -> Job[dict[str, float]]:
        """Measure the averaged network; one process does it for all."""
        values: dict[str, float] = {}
        if self._processes.is_first:
            values = yield from self._objective.validate(self.averaged)
        return self._processes.same_values(values)

    def start_from(self, weights: Mapping[str, Tensor]) -> TransferReport:
        """Take over the weights of another model that fit."""
        self._report = take_over(self._network, weights)
        self._average = WeightAverage(self._network, self._recipe.averaging)
        return self._report

    def weights(self) -> dict[str, Tensor]:
        """The averaged weights, on the CPU, each contiguous and on its own."""
        state = self.averaged.state_dict()
        return {name: value.detach().cpu().contiguous().clone() for name, value in state.items()}

    def state(self) -> dict[str, Any]:
        """All that `restore` needs."""
        return {
            "network": self._network.state_dict(),
            "average": self.averaged.state_dict(),
            "n_averaged": self._average.n_averaged,
            "optimiser": self._optimiser.state_dict(),
            "precision": self._precision.state(),
            "n_steps_done": self._n_steps_done,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Be where `state` was taken."""
        self._network.load_state_dict(state["network"])
        self.averaged.load_state_dict(state["average"])
        self._average.n_averaged = state["n_averaged"]
        self._optimiser.load_state_dict(state["optimiser"])
        self._precision.restore(state["precision"])
        self._n_steps_done = state["n_steps_done"]

    def _begin(self, epoch: int, part: EpochPart) -> None:
        self._network.train()
        unfreeze(self._network)
        if self._report is not None and epoch < self._recipe.transfer.frozen_epochs:
            freeze(self._network, self._report)
            still_frozen_parts(self._network)
        # Dropout differs between processes, as they see different samples.
        torch.manual_seed(self._seed * 100_003 + epoch + 1 + self._processes.rank * 1_000_000_007)
        if part.random:
            _restore_random(part.random)

    def _drawn(self, epoch: int, n_done: int) -> AbstractContextManager[Iterator[Batch]]:
        generator = torch.Generator().manual_seed(self._seed * 100_003 + epoch)
        batches = islice(self._objective.batches(generator), n_done, None)
        return Ahead(batches) if has_spare_core(self._device) else nullcontext(batches)

    def _progress(self, pace: Pace) -> float:
        elapsed_s = time.perf_counter() - pace.started
        if pace.limit_s is not None:
            elapsed_s = self._processes.same_seconds(elapsed_s)
        return progress_of(self._n_steps_done, self.n_steps(), elapsed_s, pace.limit_s)

    def _shown(self, pace: Pace, progress: float, losses: Sequence[float]) -> Progress:
        loss = f": loss {losses[-1]:.3f}" if losses else ""
        return Progress(progress * self.n_steps(), self.n_steps(), f"Epoch {pace.epoch + 1}{loss}")

    def _step(self, group: Sequence[Batch], rate: float) -> float:
        """Learn from some batches at once; returns their mean loss."""
        set_rate(self._optimiser, rate)
        self._optimiser.zero_grad()
        total = 0.0
        for batch in group:
            on_device = batch.to(self._device, self._layout)
            with self._precision.autocast():
                loss = self._objective.loss(self._called, on_device) / len(group)
            self._precision.backward(loss)
            total += loss.item()
        self._processes.add_gradients(self._network)
        self._precision.step(self._optimiser, self._recipe.optimiser.clip_norm)
        self._n_steps_done += 1
        self._average.after_step(self._network, self._n_steps_done)
        if total != total:  # only NaN differs from itself
            raise DatasetError(
                "The loss is no longer a number. Take a lower learning rate, or look for empty or damaged images."
            )
        return total


@contextmanager
def repeatable() -> Iterator[None]:
    """Let a GPU take the same way to compute a convolution every time."""
    before = torch.backends.cudnn.deterministic
    torch.backends.cudnn.deterministic = True
    try:
        yield
    finally:
        torch.backends.cudnn.deterministic = before


def memory_layout(network: nn.Module, device: str, spatial_dims: int) -> torch.memory_format:
    """Choose how features lie in memory while a network learns: the order that its layers are fastest in."""
    if spatial_dims == 2:
        return torch.channels_last
    is_mixed = any(weight.dim() == 4 for weight in network.parameters())  # 2D layers on slices of volumes
    return torch.channels_last_3d if device.startswith("cpu") and not is_mixed else torch.contiguous_format


def _warn_of_lost_steps(epoch: int, n_lost: int, n_steps: int) -> Iterator[Warned]:
    if n_lost > max(_FEW_LOST, _PART_LOST * n_steps):
        yield Warned(
            f"{n_lost} of the {n_steps} steps of epoch {epoch + 1} were left out, as their gradients were no numbers. "
            "Take a lower learning rate, or --set precision=float32."
        )


def _random_state(device: str) -> dict[str, Tensor]:
    states = {"cpu": torch.get_rng_state()}
    return states | ({"cuda": torch.cuda.get_rng_state()} if device.startswith("cuda") else {})


def _restore_random(states: Mapping[str, Tensor]) -> None:
    torch.set_rng_state(states["cpu"])
    if "cuda" in states:
        torch.cuda.set_rng_state(states["cuda"])
