"""How much each place of a network's last maps moves a score (Grad-CAM, Selvaraju 2017)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from napari_medclf.domain.errors import BackendUnavailable
from napari_medclf.engine.explain.stages import Stage

_MODES = {2: "bilinear", 3: "trilinear"}


def class_map(network: nn.Module, inputs: Tensor, stages: Sequence[Stage], score: Callable[[Tensor], Tensor]) -> Tensor:
    """Map what speaks for a score, in the unit of the maps.

    Parameters
    ----------
    inputs : (N, C, *spatial) float32
    stages : sequence of Stage
        Whose maps are read; the sum of what they say counts.
    score : callable
        The network's answer (N, ...) to the number of each input that is explained, (N,).

    Returns
    -------
    (N, *cells) float32
        Not negative, on the grid of the finest of the stages.

    Raises
    ------
    BackendUnavailable
        If the score does not follow from these maps smoothly.

    Notes
    -----
    The weight of a feature is the mean of the score's derivative over its map, and the map of the class is the
    weighted sum of the features where that is positive (Selvaraju 2017, equations 1 and 2). Nothing before the stages
    is differentiated, so that the pass costs little more than an answer.
    """
    with _leaves(network, stages) as leaves, torch.enable_grad():
        answer = network(inputs)
        first: Tensor = answer[0] if isinstance(answer, (tuple, list)) else answer
        wanted = score(first.float()).sum()
        if len(leaves) != len(stages) or not wanted.requires_grad:
            raise BackendUnavailable(
                "Its score does not follow smoothly from its last maps, so that none can be drawn."
            )
        slopes = torch.autograd.grad(wanted, [leaves[one.name] for one in stages], allow_unused=True)
    with torch.no_grad():
        parts = [
            _weighted(leaves[stage.name].detach(), slope, stage)
            for stage, slope in zip(stages, slopes, strict=True)
            if slope is not None
        ]
        if not parts:
            raise BackendUnavailable("Its score does not depend on its last maps, so that they explain nothing.")
        return _summed(parts).clamp_min_(0)


def enlarge(maps: Tensor, sizes: Sequence[int]) -> Tensor:
    """Bring maps (N, *cells) to the size of the input, linear between the middles of cells; (N, *sizes)."""
    return interpolate(maps[:, None], tuple(sizes), mode=_MODES[len(sizes)], align_corners=False)[:, 0]


def _weighted(features: Tensor, slope: Tensor, stage: Stage) -> Tensor:
    weight = slope.flatten(2).mean(2).view(*slope.shape[:2], *([1] * (slope.ndim - 2)))
    found = (weight * features).sum(1).float()
    return found[None] if stage.is_of_slices else found


def _summed(parts: Sequence[Tensor]) -> Tensor:
    finest = max((one.shape[1:] for one in parts), key=lambda shape: shape.numel())
    total = torch.zeros(len(parts[0]), *finest, device=parts[0].device)
    for one in parts:
        total += one if one.shape[1:] == finest else enlarge(one, finest)
    return total


@contextmanager
def _leaves(network: nn.Module, stages: Sequence[Stage]) -> Iterator[dict[str, Tensor]]:
    """Cut the network at its stages: what they answer is where derivatives end, when this very thread calls them."""
    leaves: dict[str, Tensor] = {}
    owner = threading.get_ident()

    def cut(name: str) -> Callable[[nn.Module, Any, Tensor], Tensor | None]:
        def give(_: nn.Module, given: Any, answer: Tensor) -> Tensor | None:
            if threading.get_ident() != owner:
                return None
            leaves[name] = answer.detach().clone().requires_grad_()
            return leaves[name].clone()  # a layer behind it may change it in place, which a leaf does not allow

        return give

    handles = [network.get_submodule(one.name).register_forward_hook(cut(one.name)) for one in stages]
    try:
        yield leaves
    finally:
        for handle in handles:
            handle.remove()
