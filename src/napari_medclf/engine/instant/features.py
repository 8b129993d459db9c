"""What a network computes just before its last layer, voxel by voxel."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from napari_medclf.engine.runtimes.graphs import GraphedNetwork
from napari_medclf.engine.runtimes.precision import MixedPrecision
from napari_medclf.engine.sliding.run_batch import run_batch

Network = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class LastLayer:
    """A convolution of single voxels whose output is (a part of) the network's answer.

    Parameters
    ----------
    name : str
        As in ``named_modules``.
    first_channel : int
        Where its output begins among the channels of the answer.
    """

    name: str
    first_channel: int


class FeatureNetwork:
    """Answers with the network's own channels and, after them, the features they are made of.

    Both go through mirroring and blending alike, which are means: a linear layer on the mean of features is the mean of
    that layer's answers, so that nothing is lost by keeping features rather than answers.

    Parameters
    ----------
    network : callable
        As `LoadedModel.network`.
    layers : sequence of LastLayer
        Whose inputs are the features; without any the image itself and its smoothed versions take their place.
    """

    def __init__(self, network: Network, layers: Sequence[LastLayer]) -> None:
        self._network, self._layers = network, tuple(layers)
        self._module = torch_network(network)

    def __call__(self, windows: Tensor) -> Tensor:
        """Return (N, classes + features, *spatial) of (N, C, *spatial) windows."""
        if not self._layers or self._module is None:
            answer = run_batch(self._network, windows)
            return torch.cat([answer, *_of_image(windows)], dim=1)
        with _listening(self._module, self._layers) as heard:
            answer = run_batch(self._network, windows)
        return torch.cat([answer, *(heard[layer.name].to(answer.dtype) for layer in self._layers)], dim=1)


def torch_network(network: Network) -> nn.Module | None:
    """Give the module inside of a placed network; None where it is not torch's, or its layers cannot be heard."""
    while isinstance(network, (MixedPrecision, GraphedNetwork)):
        network = network.module
    if not isinstance(network, nn.Module) or type(network).__name__ == "OptimizedModule":
        return None
    return network


def find_last_layers(network: Network, inputs: Tensor) -> tuple[LastLayer, ...]:
    """Find the layers whose outputs are the channels of a network's answer.

    Parameters
    ----------
    inputs : (1, C, *spatial)
        Something to run it on; not the same everywhere.

    Returns
    -------
    tuple of LastLayer
        One, or one a member of an ensemble, in the order of the channels; none where the answer is made otherwise
        (another last operation, a program whose layers cannot be heard).
    """
    module = torch_network(network)
    if module is None:
        return ()
    names = [name for name, layer in module.named_modules() if is_single_voxel(layer)]
    found: dict[str, Tensor] = {}
    owner = threading.get_ident()

    def hear(name: str) -> Callable[[nn.Module, Any, Any], None]:
        def keep(_: nn.Module, given: Any, answer: Any) -> None:
            if threading.get_ident() == owner and isinstance(answer, Tensor):
                found[name] = answer

        return keep

    handles = [module.get_submodule(name).register_forward_hook(hear(name)) for name in names]
    try:
        answer = run_batch(network, inputs)
    finally:
        for handle in handles:
            handle.remove()
    return _match(found, answer)


def is_single_voxel(layer: nn.Module) -> bool:
    """Whether a layer is a linear function of every voxel's own channels."""
    if not isinstance(layer, (nn.Conv2d, nn.Conv3d)):
        return False
    sizes = (*layer.kernel_size, *layer.stride)
    has_no_padding = layer.padding in ("valid", "same") or set(layer.padding) == {0}
    return all(size == 1 for size in sizes) and layer.groups == 1 and has_no_padding


def _match(found: dict[str, Tensor], answer: Tensor) -> tuple[LastLayer, ...]:
    """Find layers whose outputs, one after the other, are the answer."""
    layers: list[LastLayer] = []
    channel = 0
    while channel < answer.shape[1]:
        for name, output in reversed(found.items()):
            n = output.shape[1]
            part = answer[:, channel : channel + n]
            if output.shape == part.shape and torch.equal(output.to(part.dtype), part):
                layers.append(LastLayer(name, channel))
                channel += n
                break
        else:
            return ()
    return tuple(layers)


@contextmanager
def _listening(module: nn.Module, layers: Sequence[LastLayer]) -> Iterator[dict[str, Tensor]]:
    """Hear the inputs of layers, when this very thread calls them."""
    heard: dict[str, Tensor] = {}
    owner = threading.get_ident()

    def hear(name: str) -> Callable[[nn.Module, Any], None]:
        def keep(_: nn.Module, given: Any) -> None:
            if threading.get_ident() == owner:
                heard[name] = given[0]

        return keep

    handles = [module.get_submodule(one.name).register_forward_pre_hook(hear(one.name)) for one in layers]
    try:
        yield heard
    finally:
        for handle in handles:
            handle.remove()


def _of_image(windows: Tensor) -> list[Tensor]:
    """The samples themselves, and means of 3 and 9 voxels around each."""
    pool = nn.functional.avg_pool2d if windows.ndim == 4 else nn.functional.avg_pool3d
    found = [windows]
    for size in (3, 9):
        wide = nn.functional.pad(windows, [size // 2] * (2 * (windows.ndim - 2)), "replicate")
        found.append(pool(wide, size, 1))
    return found
