"""Averages of the weights, which generalise better than the last ones."""

from __future__ import annotations

import copy

import torch
from torch import nn

from napari_medclf.domain.recipe import AveragingSettings


class WeightAverage:
    """Follow a network's weights: over steps (``ema``), over epochs (``swa``), or to the letter (``none``).

    Parameters
    ----------
    network : nn.Module
        Its weights are copied, not shared.
    settings : AveragingSettings
        With ``ema``, early steps keep less than `decay`, so that the random start is soon forgotten.

    Attributes
    ----------
    network : nn.Module
        The average, ready for use.
    n_averaged : int
        Epochs in the even average so far.

    Notes
    -----
    Statistics of batch norm are averaged like weights, as torch's ``AveragedModel(use_buffers=True)`` does.
    """

    def __init__(self, network: nn.Module, settings: AveragingSettings) -> None:
        self.network = copy.deepcopy(network).eval()
        for parameter in self.network.parameters():
            parameter.requires_grad_(False)
        self._settings = settings
        self._mine = _tensors(self.network)
        self._followed: tuple[nn.Module, list[torch.Tensor]] = (network, _tensors(network))
        self.n_averaged = 0

    def after_step(self, network: nn.Module, n_steps: int) -> None:
        """Take over a part of the network's weights after step number `n_steps` (from 1)."""
        if self._settings.kind == "ema":
            decay = min(self._settings.decay, (1 + n_steps) / (10 + n_steps))
            self._approach(network, 1 - decay)

    def after_epoch(self, network: nn.Module, progress: float) -> None:
        """Take the weights of an epoch into the even average, or as they are, at this part of the training."""
        if self._settings.kind == "none":
            self._approach(network, 1.0)
        if self._settings.kind == "swa":
            self.n_averaged += int(progress >= self._settings.start)
            self._approach(network, 1 / max(self.n_averaged, 1))

    @torch.no_grad()
    def _approach(self, network: nn.Module, part: float) -> None:
        if self._followed[0] is not network:
            self._followed = (network, _tensors(network))
        mine, theirs = self._mine, self._followed[1]  # to list them takes as long as to average them
        moving = [(one, other) for one, other in zip(mine, theirs, strict=True) if one.is_floating_point()]
        if moving:  # one call for all of them: a network has hundreds of small tensors
            torch._foreach_lerp_([one for one, _ in moving], [other for _, other in moving], part)
        for one, other in zip(mine, theirs, strict=True):
            if not one.is_floating_point():
                one.copy_(other)


def _tensors(network: nn.Module) -> list[torch.Tensor]:
    return [*network.parameters(), *network.buffers()]
