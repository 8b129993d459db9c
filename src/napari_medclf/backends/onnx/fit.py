"""Bring a card and an ONNX graph together: sizes the graph fixes, axes in another order, several inputs."""

from __future__ import annotations

from typing import Any

from napari_medclf.backends.onnx.graph import Graph, Port
from napari_medclf.domain.card import ModelCard, Task
from napari_medclf.domain.errors import CardError

_USUAL = {2: "bcyx", 3: "bczyx"}
_LAST = {2: "byxc", 3: "bzyxc"}


def fit_card(card: ModelCard, graph: Graph, where: str) -> ModelCard:
    """Complete a card with what the graph says for certain.

    Raises
    ------
    CardError
        If the two contradict each other: channels, dimensions, or an answer that is no scores.
    """
    arguments = dict(card.network.arguments)
    arguments |= _inputs(card, graph, where)
    answer = _chosen_output(graph, arguments, where)
    arguments |= _output_axes(card, answer, arguments, where)
    sizes = _fixed_sizes(card, graph, arguments)
    spec, output = card.input, card.output
    if sizes is not None and card.task is Task.CLASSIFY:
        spec = spec.model_copy(update={"resize_to": sizes, "patch_vox": sizes})
    elif sizes is not None:
        spec = spec.model_copy(update={"patch_vox": sizes, "divisible_by": 1})
    if graph.activation and output.activation == graph.activation:
        output = output.model_copy(update={"is_activated": True})
    network = card.network.model_copy(update={"arguments": arguments})
    return card.model_copy(update={"input": spec, "output": output, "network": network})


def _inputs(card: ModelCard, graph: Graph, where: str) -> dict[str, Any]:
    rank = card.input.spatial_dims + 2
    for port in graph.inputs:
        if len(port.shape) != rank:
            raise CardError(f"{where}: its input {port} has {len(port.shape)} axes, but the card needs {rank}.")
    arguments = card.network.arguments
    axes = arguments.get("input_axes") or _guess_axes(graph.inputs[0], _count_of(card, graph), card.input.spatial_dims)
    place = str(axes).index("c")
    counts = [port.shape[place] for port in graph.inputs]
    n = len(card.input.channels)
    if len(counts) > 1:
        spread = arguments.get("input_channels") or ([1] * len(counts) if n == len(counts) else counts)
        if sum(spread) != n:
            raise CardError(f"{where}: its {len(counts)} inputs take {counts} channels, but the card names {n}.")
        return {"input_axes": axes, "input_channels": list(spread)}
    if counts[0] not in (0, n):
        raise CardError(f"{where}: takes {counts[0]} channels, but the card names {n}.")
    return {"input_axes": axes}


def _count_of(card: ModelCard, graph: Graph) -> int:
    return len(card.input.channels) if len(graph.inputs) == 1 else 1


def _guess_axes(port: Port, count: int, spatial_dims: int) -> str:
    """Channels stand last where only the last axis has their number."""
    is_last = port.shape[-1] == count and port.shape[1] not in (0, count)
    return _LAST[spatial_dims] if is_last else _USUAL[spatial_dims]


def _chosen_output(graph: Graph, arguments: dict[str, Any], where: str) -> Port:
    wanted = arguments.get("output", graph.outputs[0].name)
    found = next((port for port in graph.outputs if port.name == wanted), None)
    if found is None:
        raise CardError(f"{where}: has no output {wanted!r}; it has {', '.join(map(str, graph.outputs))}.")
    if not found.is_float:
        raise CardError(f"{where}: its output {found} is whole numbers (labels); expected a score for every class.")
    return found


def _output_axes(card: ModelCard, answer: Port, arguments: dict[str, Any], where: str) -> dict[str, Any]:
    if card.task is Task.CLASSIFY or "output_axes" in arguments:
        return {}
    dims = card.input.spatial_dims
    if len(answer.shape) not in (dims + 1, dims + 2):
        raise CardError(f"{where}: its output {answer} has {len(answer.shape)} axes, but the card needs {dims + 2}.")
    if len(answer.shape) == dims + 1:
        return {}
    axes = _guess_axes(answer, _count_classes(card), dims)
    found = answer.shape[axes.index("c")]
    if found not in (0, _count_classes(card)):
        raise CardError(f"{where}: returns {found} channels, but its card says {_count_classes(card)}.")
    return {"output_axes": axes}


def _count_classes(card: ModelCard) -> int:
    return int(card.output.has_background_channel) + len(card.schema_.foreground)


def _fixed_sizes(card: ModelCard, graph: Graph, arguments: dict[str, Any]) -> tuple[int, ...] | None:
    """Sizes of the network's input where the graph fixes all; the card's where it fixes only some."""
    axes = str(arguments["input_axes"])
    letters = _USUAL[card.input.spatial_dims][2:]
    fixed = [graph.inputs[0].shape[axes.index(letter)] for letter in letters]
    if not any(fixed):
        return None
    asked = card.input.resize_to or card.input.patch_vox
    return tuple(size or ask for size, ask in zip(fixed, asked, strict=True))
