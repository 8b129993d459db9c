"""How many channels a network needs for a task, and which argument of it says so."""

from __future__ import annotations

from typing import Any

from napari_medclf.domain.card import NetworkSpec, Task
from napari_medclf.domain.errors import CardError
from napari_medclf.domain.input_spec import InputSpec
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.engine.augment.targets import N_INSTANCE_CHANNELS

_OUTPUT_ARGUMENTS = ("out_channels", "num_classes", "n_classes")
_SIZE_ARGUMENT = "img_size"


def n_outputs(task: Task, schema: LabelSchema, loss: str = "auto") -> int:
    """Output channels that a network needs for a task, with a loss of that kind (`LossSettings.kind`)."""
    if task is Task.INSTANCES:
        return N_INSTANCE_CHANNELS
    if task is Task.SEGMENT:
        return len(schema.foreground) + 1
    return len(schema) - 1 if loss == "ordinal" else len(schema)


def with_outputs(network: NetworkSpec, n: int) -> NetworkSpec:
    """The same network for another number of output channels.

    Raises
    ------
    CardError
        If it is not clear which argument that is.
    """
    for argument in _OUTPUT_ARGUMENTS:
        if argument in network.arguments:
            return _changed(network, argument, n)
    raise CardError(f"The network {network.target} has no argument {_OUTPUT_ARGUMENTS[0]!r} for its number of classes.")


def with_size(network: NetworkSpec, spec: InputSpec) -> NetworkSpec:
    """The same network for another size of image, where it is built for one size."""
    if _SIZE_ARGUMENT not in network.arguments:
        return network
    return _changed(network, _SIZE_ARGUMENT, list(spec.patch_vox))


def _changed(network: NetworkSpec, argument: str, value: Any) -> NetworkSpec:
    return network.model_copy(update={"arguments": {**network.arguments, argument: value}})
