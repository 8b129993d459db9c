"""Which of a network's layers still knows where things are, just before it forgets that."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from napari_medclf.domain.errors import BackendUnavailable
from napari_medclf.engine.nets.cnn_rnn import CNNRNN
from napari_medclf.engine.nets.committee import Committee

_CONVOLUTIONS = (nn.Conv2d, nn.Conv3d, nn.ConvTranspose2d, nn.ConvTranspose3d)
_POOLS = (
    nn.MaxPool2d, nn.MaxPool3d, nn.AvgPool2d, nn.AvgPool3d, nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d,
    nn.AdaptiveMaxPool2d, nn.AdaptiveMaxPool3d,
)  # fmt: skip
_MIXERS = ("attention", "transformer")
"""In the names of layers after which no feature belongs to one place any more."""


@dataclass(frozen=True)
class Stage:
    """A layer whose output is the last map of features.

    Parameters
    ----------
    name : str
        As in ``named_modules``; empty for the network itself.
    is_of_slices : bool
        Whether a network for volumes looks at the slices (axis k) one by one, so that they stand in its batch.
    """

    name: str
    is_of_slices: bool = False


@dataclass(frozen=True)
class _Call:
    """What a layer answered once: its name, and the shape of its map (None where it gave no map)."""

    name: str
    shape: tuple[int, ...] | None
    is_convolution: bool
    is_mixing: bool


def find_stages(network: nn.Module, inputs: Tensor) -> tuple[tuple[Stage, ...], int]:
    """Find the last convolutional stage of a network, or of each member of a committee.

    Parameters
    ----------
    inputs : (1, C, *spatial)
        Something to run it on.

    Returns
    -------
    stages : tuple of Stage
        One a member that has one; at least one.
    n_left_out : int
        Members of a committee that have none.

    Raises
    ------
    BackendUnavailable
        If there is none, as a sentence.
    """
    with _hearing_all(network) as calls, torch.no_grad():
        network(inputs)
    found, refusals = [], []
    for branch in _branches(network):
        own = [one for one in calls if one.name == branch or one.name.startswith(f"{branch}." if branch else "")]
        try:
            found.append(_last_stage(own, network, inputs))
        except BackendUnavailable as error:
            refusals.append(error)
    if not found:
        raise refusals[0]
    return tuple(found), len(refusals)


def _last_stage(calls: Iterable[_Call], network: nn.Module, inputs: Tensor) -> Stage:
    stage: Stage | None = None
    is_convolved = is_mixed = False
    n_calls: dict[str, int] = {}
    for call in calls:
        is_convolved |= call.is_convolution
        n_calls[call.name] = n_calls.get(call.name, 0) + 1
        if call.is_convolution:
            is_mixed = False
        is_mixed |= call.is_mixing
        if call.shape is not None and is_convolved:
            stage = Stage(call.name, _is_of_slices(call, network, inputs)) if _fits(call, network, inputs) else None
    if not is_convolved:
        raise BackendUnavailable("It has no convolutions, so that no layer of it knows where things are.")
    if is_mixed:
        raise BackendUnavailable(
            "After its last convolution it compares far places with each other (attention), so that a map of that "
            "layer would not say where its answer comes from."
        )
    if stage is None or n_calls[stage.name] > 1:
        raise BackendUnavailable("Its last maps are of views that it chose itself, and cannot be laid on the image.")
    return stage


def _fits(call: _Call, network: nn.Module, inputs: Tensor) -> bool:
    """Whether the places of a map are those of the input."""
    assert call.shape is not None
    is_of_inputs = len(call.shape) == inputs.ndim and call.shape[0] == len(inputs)
    return is_of_inputs or _is_of_slices(call, network, inputs)


def _is_of_slices(call: _Call, network: nn.Module, inputs: Tensor) -> bool:
    if call.shape is None or (len(call.shape), inputs.ndim) != (4, 5):
        return False
    path = call.name.split(".")
    owners = (".".join(path[:n]) for n in range(len(path)))
    return call.shape[0] == inputs.shape[2] and any(
        isinstance(network.get_submodule(owner), CNNRNN) for owner in owners
    )


def _branches(network: nn.Module, name: str = "") -> list[str]:
    """Names of the networks that answer on their own."""
    if not isinstance(network, Committee):
        return [name]
    before = f"{name}." if name else ""
    members = enumerate(network.members)
    return [found for number, one in members for found in _branches(one, f"{before}members.{number}")]


@contextmanager
def _hearing_all(network: nn.Module) -> Iterator[list[_Call]]:
    """List what every layer answers, in the order in which they finish, when this very thread calls them."""
    calls: list[_Call] = []
    owner = threading.get_ident()

    def hear(name: str) -> Any:
        def keep(module: nn.Module, given: Any, answer: Any) -> None:
            if threading.get_ident() == owner:
                calls.append(_call(name, module, answer))

        return keep

    handles = [module.register_forward_hook(hear(name)) for name, module in network.named_modules()]
    try:
        yield calls
    finally:
        for handle in handles:
            handle.remove()


def _call(name: str, module: nn.Module, answer: Any) -> _Call:
    is_mixing = any(word in type(module).__name__.lower() for word in _MIXERS)
    is_map = isinstance(answer, Tensor) and answer.ndim in (4, 5) and answer[0, 0].numel() > 1
    shape = tuple(answer.shape) if is_map and not _ends_in_pool(module) else None
    return _Call(name, shape, isinstance(module, _CONVOLUTIONS), is_mixing)


def _ends_in_pool(module: nn.Module) -> bool:
    """Whether what a layer answers is pooled: the map before is finer, and has no fewer features."""
    while isinstance(module, nn.Sequential) and len(module) > 0:
        module = module[len(module) - 1]
    return isinstance(module, _POOLS)
