"""Put a loaded network where it runs: device, precision and runtime behind one switch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from napari_medclf.domain.card import ModelCard
from napari_medclf.domain.errors import BackendUnavailable, unknown_choice
from napari_medclf.domain.run_settings import RUNTIMES, LoadSettings
from napari_medclf.engine.device import choose_device
from napari_medclf.engine.faster import make_faster, place_for_use
from napari_medclf.engine.runtimes.choice import OTHERS, Bench, Other, choose_runtime
from napari_medclf.engine.runtimes.compiled import compile_network
from napari_medclf.engine.runtimes.graphs import GraphedNetwork
from napari_medclf.engine.runtimes.input_shape import input_shape
from napari_medclf.engine.runtimes.precision import MixedPrecision, choose_dtype
from napari_medclf.engine.runtimes.shelf import Shelf

Network = Callable[[Tensor], Tensor]
_DEFAULT_SETTINGS = LoadSettings()
_CPU = torch.device("cpu")


@dataclass(frozen=True, eq=False)
class Placed:
    """A network that is ready.

    Parameters
    ----------
    network : callable
        (N, C, *spatial) float32 on `device` to logits there.
    place : str
        For people: ``cpu``, ``cpu openvino``, ``cuda:0 float16``.
    """

    network: Network = field(repr=False)
    device: torch.device
    place: str

    @property
    def notes(self) -> tuple[str, ...]:
        """What had to be done otherwise than planned while it ran, as sentences."""
        return tuple(getattr(self.network, "notes", ()))


def place_network(
    network: Network,
    card: ModelCard,
    settings: LoadSettings = _DEFAULT_SETTINGS,
    others: Mapping[str, Other] = OTHERS,
) -> Placed:
    """Make a network fast where it shall run; the answer stays within the card's tolerance in float32.

    Parameters
    ----------
    network : callable
        With its weights, on the CPU. A module is changed in place and is no longer for training. What is no module is
        run as it is, on the CPU.
    others : mapping
        Runtimes beside torch, by name.

    Raises
    ------
    BackendUnavailable
        If the device, the precision or the runtime is not to be had here, or does not go with this network.
    """
    if settings.runtime not in RUNTIMES:
        raise BackendUnavailable(unknown_choice("runtime", settings.runtime, RUNTIMES))
    is_for_cpu = settings.runtime in others and settings.device == "auto"
    device = _CPU if is_for_cpu else choose_device(settings.device)
    if not isinstance(network, nn.Module):
        return _as_it_is(network, settings)
    network.eval().requires_grad_(False)
    dtype = choose_dtype(settings.precision, device, card.task)
    if device.type != "cpu" or dtype is not torch.float32:
        return _in_torch(network, card, settings, device, dtype)
    return _on_cpu(network, card, settings, others)


def _as_it_is(network: Network, settings: LoadSettings) -> Placed:
    wanted = {settings.device.partition(":")[0]} - {"auto", "cpu"} | {settings.precision} - {"auto", "float32"}
    if wanted:
        raise BackendUnavailable(f"This kind of model runs on the CPU in float32 only, not with {wanted.pop()!r}.")
    return Placed(network, _CPU, "cpu")


def _on_cpu(network: nn.Module, card: ModelCard, settings: LoadSettings, others: Mapping[str, Other]) -> Placed:
    in_torch = place_for_use(make_faster(network), _CPU, card.input.spatial_dims)
    if card.input.spatial_dims == 3 and any(isinstance(part, torch.jit.ScriptModule) for part in network.modules()):
        in_torch.best_batch = 2  # type: ignore[assignment]  # its layers cannot be swapped, and a batch of one is slow
    if settings.runtime == "torch":
        return Placed(in_torch, _CPU, "cpu")
    if settings.runtime == "compile":
        return Placed(compile_network(in_torch, input_shape(card), _CPU), _CPU, "cpu compile")
    bench = Bench(network, in_torch, card, Shelf(settings.cache_folder), others)
    if settings.runtime == "auto":
        name, chosen = choose_runtime(bench, settings.n_images)
        return Placed(chosen, _CPU, "cpu" if name == "torch" else f"cpu {name}")
    return Placed(bench.convert(settings.runtime, bench.digest()), _CPU, f"cpu {settings.runtime}")


def _in_torch(
    network: nn.Module, card: ModelCard, settings: LoadSettings, device: torch.device, dtype: torch.dtype
) -> Placed:
    """Run in torch on a GPU, or in bfloat16 on a CPU."""
    if settings.runtime in ("onnx", "openvino"):
        raise BackendUnavailable(
            f"The runtime {settings.runtime!r} runs on the CPU in float32. Choose the device 'cpu' with the precision "
            "'auto', or the runtime 'torch'."
        )
    is_half = dtype is not torch.float32
    placed: Network = place_for_use(network, device, card.input.spatial_dims, is_half=is_half)
    place = str(device)
    if settings.runtime == "compile":
        placed, place = compile_network(network, input_shape(card), device), f"{place} compile"
    elif device.type == "cuda":
        placed = GraphedNetwork(network)
    mixed = MixedPrecision(placed, device, dtype)
    if is_half:
        place += f" {str(dtype).removeprefix('torch.')}"
    return Placed(mixed, device, place)
