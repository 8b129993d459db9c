"""What an ONNX file says about itself, read without running it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from napari_medclf.domain.errors import CardError

# What ONNX Runtime brings along; all else is code from elsewhere.
_KNOWN_DOMAINS = ("", "ai.onnx", "ai.onnx.ml", "ai.onnx.training", "com.microsoft", "com.microsoft.nchwc")
_ACTIVATIONS = {"Sigmoid": "sigmoid", "Softmax": "softmax", "LogSoftmax": "softmax"}
_PASSING = ("Identity", "Cast", "Transpose", "Reshape", "Squeeze", "Flatten")
# Wire format of protobuf: tag of field 1 (ir_version), then a tag of ModelProto's other fields (onnx.proto3).
_FIRST_TAG = 0x08
_NEWEST_IR = 40
_OTHER_TAGS = (0x12, 0x1A, 0x22, 0x28, 0x32, 0x3A, 0x42, 0x72, 0xA2, 0xCA)
_FLOATS = ("tensor(float)", "tensor(float16)", "tensor(double)", "tensor(bfloat16)")


@dataclass(frozen=True)
class Port:
    """One input or output: its name, its element type as ONNX Runtime writes it, and sizes (0 where any is allowed)."""

    name: str
    kind: str
    shape: tuple[int, ...]

    @property
    def is_float(self) -> bool:
        """Whether it carries real numbers."""
        return self.kind in _FLOATS

    def __str__(self) -> str:
        """Say it for people."""
        return f"{self.name} ({', '.join(str(size or 'any') for size in self.shape)})"


@dataclass(frozen=True)
class Graph:
    """A network's doors.

    Parameters
    ----------
    activation : str
        ``sigmoid`` or ``softmax`` where that is the last layer; else empty.
    external : tuple of Path
        Files beside it that hold weights.
    """

    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    activation: str = ""
    external: tuple[Path, ...] = ()

    def __str__(self) -> str:
        """Say it for people."""
        return f"it takes {', '.join(map(str, self.inputs))} and returns {', '.join(map(str, self.outputs))}"


def is_onnx(path: Path) -> bool:
    """Tell from the first bytes whether a file is an ONNX model; never raises."""
    try:
        with path.open("rb") as file:
            head = file.read(3)
    except (OSError, ValueError):
        return False
    return len(head) == 3 and head[0] == _FIRST_TAG and 1 <= head[1] <= _NEWEST_IR and head[2] in _OTHER_TAGS


def read_graph(path: Path) -> Graph:
    """Read a file with the package ``onnx``; weights in other files are only looked for.

    Raises
    ------
    CardError
        If it is cut short or damaged, holds no weights, needs operations from elsewhere, or names a file outside of
        its folder.
    """
    import onnx

    try:
        model = onnx.load(str(path), load_external_data=False)
    except Exception as error:  # protobuf has no class of its own that is public
        raise CardError(f"{path}: is no whole ONNX file; it is cut short or damaged.") from error
    graph = model.graph
    if not graph.node or not graph.output:
        raise CardError(f"{path}: is no whole ONNX file; it has no network in it.")
    _check_operations(model, path)
    tensors = list(_tensors_of(graph))
    if not tensors:
        raise CardError(f"{path}: holds no weights, so that there is nothing it could have learned.")
    external = tuple(dict.fromkeys(_outside(tensor, path) for tensor in tensors if tensor.data_location == 1))
    _check_numbers(tensors, path)
    held = {tensor.name for tensor in graph.initializer}
    inputs = tuple(_port(one) for one in graph.input if one.name not in held)
    outputs = tuple(_port(one) for one in graph.output)
    return Graph(inputs, outputs, _last_activation(graph), external)


def ports_of(session: Any) -> Graph:
    """Read what ONNX Runtime says of a file it has opened, where the package ``onnx`` is not installed."""

    def port(one: Any) -> Port:
        return Port(one.name, one.type, tuple(size if isinstance(size, int) else 0 for size in one.shape or ()))

    return Graph(tuple(map(port, session.get_inputs())), tuple(map(port, session.get_outputs())))


def _port(value: Any) -> Port:
    import onnx

    tensor = value.type.tensor_type
    kind = onnx.TensorProto.DataType.Name(tensor.elem_type).lower()
    return Port(value.name, f"tensor({kind})", tuple(int(size.dim_value) for size in tensor.shape.dim))


def _check_operations(model: Any, path: Path) -> None:
    ours = {function.domain for function in model.functions}
    for node in _nodes_of(model):
        if node.domain not in (*_KNOWN_DOMAINS, *ours):
            raise CardError(
                f"{path}: needs the operation {node.op_type!r} of {node.domain!r}, which is not part of ONNX."
            )


def _nodes_of(model: Any) -> Iterator[Any]:
    for holder in (model.graph, *model.functions):
        yield from _nodes_in(holder.node)


def _nodes_in(nodes: Any) -> Iterator[Any]:
    for node in nodes:
        yield node
        for inner in _inner_graphs(node):
            yield from _nodes_in(inner.node)


def _inner_graphs(node: Any) -> Iterator[Any]:
    for attribute in node.attribute:
        yield from (attribute.g,) if attribute.HasField("g") else ()
        yield from attribute.graphs


def _tensors_of(graph: Any) -> Iterator[Any]:
    yield from graph.initializer
    for node in graph.node:
        for attribute in node.attribute:
            yield from (attribute.t,) if attribute.HasField("t") else ()
            yield from attribute.tensors
        for inner in _inner_graphs(node):
            yield from _tensors_of(inner)


def _outside(tensor: Any, path: Path) -> Path:
    """Find the file that holds a tensor, below the folder of the model and not through a link."""
    name = next((entry.value for entry in tensor.external_data if entry.key == "location"), "")
    place = PurePosixPath(name.replace("\\", "/"))
    found = path.parent / name
    is_inside = bool(name) and not place.is_absolute() and ".." not in place.parts and ":" not in name
    if not is_inside or not found.resolve().is_relative_to(path.parent.resolve()):
        raise CardError(f"{path}: keeps weights in {name!r}, outside of its folder, and is not read.")
    if not found.is_file():
        raise CardError(f"{path}: its weights are in the file {name}, which is missing beside it.")
    return found


def _check_numbers(tensors: list[Any], path: Path) -> None:
    import numpy as np
    from onnx import numpy_helper

    for tensor in tensors:
        if tensor.data_location == 1:
            continue
        try:
            values = numpy_helper.to_array(tensor)
        except (ValueError, TypeError, RuntimeError) as error:
            raise CardError(f"{path}: the weights {tensor.name!r} are damaged.") from error
        # fill values of masks are infinite on purpose; nothing learned is NaN
        if values.dtype.kind == "f" and np.isnan(values).any():
            raise CardError(f"{path}: {tensor.name!r} holds numbers that are not finite; the weights are damaged.")


def _last_activation(graph: Any) -> str:
    maker = {name: node for node in graph.node for name in node.output}
    name = graph.output[0].name
    for _ in range(len(_PASSING)):
        node = maker.get(name)
        if node is None or node.op_type not in _PASSING:
            break
        name = node.input[0]
    return _ACTIVATIONS.get(maker[name].op_type, "") if name in maker else ""
