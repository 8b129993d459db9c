"""Batch norm over a batch that several processes share."""

from __future__ import annotations

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

_KINDS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


class SharedBatchNorm(nn.BatchNorm2d):
    """Normalise by the mean and deviation of all processes' samples; in use it is torch's own.

    Notes
    -----
    torch's ``SyncBatchNorm`` (2.13) runs on GPUs only.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Normalise (N, C, *spatial)."""
        if not self.training:
            return super().forward(input)
        axes = [axis for axis in range(input.dim()) if axis != 1]
        wide = [1, -1] + [1] * (input.dim() - 2)
        samples = input.float()
        n = input.numel() // input.shape[1] * dist.get_world_size()
        mean = _Sum.apply(samples.sum(axes)) / n
        distance = samples - mean.view(wide)
        variance = _Sum.apply(distance.square().sum(axes)) / n
        self._remember(mean.detach(), variance.detach() * n / max(n - 1, 1))
        scaled = distance * torch.rsqrt(variance + self.eps).view(wide)
        if self.affine:
            scaled = scaled * self.weight.view(wide) + self.bias.view(wide)
        return scaled.to(input.dtype)

    @torch.no_grad()
    def _remember(self, mean: Tensor, variance: Tensor) -> None:
        if not self.track_running_stats or self.running_mean is None or self.running_var is None:
            return
        assert self.num_batches_tracked is not None
        self.num_batches_tracked += 1
        part = 1 / float(self.num_batches_tracked) if self.momentum is None else self.momentum
        self.running_mean.lerp_(mean, part)
        self.running_var.lerp_(variance, part)

    def _check_input_dim(self, input: Tensor) -> None:
        """Take any number of axes."""


def share_batch_norms(network: nn.Module) -> None:
    """Swap the batch norms of a network, in place; parameters and their names stay."""
    for parent in list(network.modules()):
        for name, layer in list(parent.named_children()):
            if type(layer) in _KINDS:
                setattr(parent, name, _as_shared(layer))


def _as_shared(layer: nn.Module) -> SharedBatchNorm:
    assert isinstance(layer, _KINDS)
    shared = SharedBatchNorm(layer.num_features, layer.eps, layer.momentum, layer.affine, layer.track_running_stats)
    shared.weight, shared.bias = layer.weight, layer.bias
    shared.running_mean, shared.running_var = layer.running_mean, layer.running_var
    shared.num_batches_tracked = layer.num_batches_tracked
    return shared


class _Sum(torch.autograd.Function):
    """Add up over processes; each process's part had a share in all answers, so that gradients are added up too."""

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        total = values.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        total = gradients[0].contiguous().clone()
        dist.all_reduce(total)
        return total
