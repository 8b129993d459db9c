"""From a bundle's last steps to how its answer becomes labels or classes."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import Any, Literal

from napari_medclf.backends.monai_bundle.chain import number, numbers, steps_of, truth
from napari_medclf.domain.errors import CardError
from napari_medclf.store.monai_config.pieces import Code, Component

_HARMLESS = frozenset(
    {
        "AffineBoxToWorldCoordinate",
        "CastToType",
        "ClipBoxToImage",
        "ConvertBoxMode",
        "DeleteItems",
        "EnsureChannelFirst",
        "EnsureType",
        "FlattenSubKeys",
        "FromMetaTensor",
        "HoVerNetInstanceMapPostProcessing",
        "HoVerNetNuclearTypePostProcessing",
        "Identity",
        "SaveImage",
        "SelectItems",
        "SqueezeDim",
        "ToDevice",
        "ToNumpy",
        "ToTensor",
    }
)
_LEFT_OUT = "Its author's last step {} is left out."


@dataclass
class Decision:
    """What the last steps do, gathered one by one.

    Parameters
    ----------
    activation : str or None
        ``softmax`` or ``sigmoid``; None where the configuration names none.
    threshold : float or None
        From which an independent class is decided.
    largest_labels : tuple of int or None
        Labels of which only the largest object is kept; empty for all.
    regions : tuple of (channel, label)
        Which channel is painted as which label, the later over the earlier; empty where it is not said.
    own_code : list of str
        Steps that this program does not know.
    """

    activation: Literal["softmax", "sigmoid"] | None = None
    is_argmax: bool = False
    threshold: float | None = None
    resampled: Literal["logits", "probabilities", "labels"] = "logits"
    largest_labels: tuple[int, ...] | None = None
    min_object_vox: int = 0
    regions: tuple[tuple[int, int], ...] = ()
    own_code: list[str] = field(default_factory=list)
    limits: list[str] = field(default_factory=list)

    @property
    def is_decided(self) -> bool:
        """Whether labels were made already."""
        return self.is_argmax or self.threshold is not None


def read_postprocessing(value: Any) -> Decision:
    """Understand a described chain; steps that are not known here are left out, and told in `limits`.

    Raises
    ------
    CardError
        If only such a step makes labels or classes of the network's answer.
    """
    decision = Decision()
    for step in steps_of(value):
        if not step.is_disabled:
            _take(step, decision)
    if decision.own_code and not decision.is_decided and decision.activation is None:
        raise CardError(
            f"How the network's answer becomes labels is its author's own code, {decision.own_code[0]}. Give a card "
            "that says what the network returns, as medclf.json beside the bundle."
        )
    return decision


def _take(step: Component, decision: Decision) -> None:
    name, given = step.short_name, step.arguments
    if not step.is_allowed:
        decision.own_code.append(step.target)
        decision.limits.append(_LEFT_OUT.format(step.target))
    elif name == "Activations":
        for kind in ("softmax", "sigmoid"):
            if truth(_first(given.get(kind, False))):
                decision.activation = kind
    elif name == "AsDiscrete":
        decision.is_argmax |= truth(_first(given.get("argmax", False)))
        threshold = _first(given.get("threshold"))
        if threshold is not None and not isinstance(threshold, bool):
            decision.threshold = number(threshold, "threshold")
    elif name == "Invert":
        _invert(decision)
    elif name == "KeepLargestConnectedComponent":
        labels = given.get("applied_labels")
        each = [] if labels is None else labels if isinstance(labels, list) else [labels]
        decision.largest_labels = tuple(int(one) for one in numbers(each, "applied_labels")) if each else ()
    elif name == "RemoveSmallObjects":
        decision.min_object_vox = int(number(given.get("min_size", 64), "min_size"))
    elif name == "Lambda":
        _take_function(given.get("func"), decision)
    elif name not in _HARMLESS:
        decision.limits.append(_LEFT_OUT.format(step.target))


def _invert(decision: Decision) -> None:
    """What comes home is what there is at this step."""
    if decision.is_decided:
        decision.resampled = "labels"
    elif decision.activation is not None:
        decision.resampled = "probabilities"


def _take_function(function: Any, decision: Decision) -> None:
    if not isinstance(function, Code):
        return
    regions = read_regions(function.text)
    if regions:
        decision.regions = regions
    elif not _drops_background(function.text):
        decision.limits.append(f"Its author's function is left out: {function.text}")


def read_regions(text: str) -> tuple[tuple[int, int], ...]:
    """Read a lambda that paints overlapping channels into one label image, as nested ``torch.where``.

    Returns
    -------
    tuple of (channel, label)
        In the order of painting: a later one covers an earlier one. Empty for any other function.

    >>> read_regions("$lambda a: torch.where(a[[1]] > 0, 3, torch.where(a[[0]] > 0, 1, 0))")
    ((0, 1), (1, 3))
    """
    function = _parse_lambda(text)
    if function is None:
        return ()
    found: list[tuple[int, int]] = []
    node: ast.expr = function.body
    while isinstance(node, ast.Call) and ast.unparse(node.func) == "torch.where" and len(node.args) == 3:
        test, label, node = node.args
        channel = _channel_above_zero(test, function.args.args[0].arg)
        if channel is None or not (isinstance(label, ast.Constant) and isinstance(label.value, int)):
            return ()
        found.append((channel, label.value))
    is_zero_at_last = isinstance(node, ast.Constant) and node.value == 0
    return tuple(reversed(found)) if is_zero_at_last else ()


def _channel_above_zero(test: ast.expr, name: str) -> int | None:
    """The n of ``x[[n]] > 0`` or ``x[n] > 0``."""
    if not (isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], ast.Gt)):
        return None
    left, right = test.left, test.comparators[0]
    if not (isinstance(right, ast.Constant) and right.value in (0, 0.5) and isinstance(left, ast.Subscript)):
        return None
    index = left.slice
    if isinstance(index, ast.List) and len(index.elts) == 1:
        index = index.elts[0]
    is_ours = isinstance(left.value, ast.Name) and left.value.id == name
    return index.value if is_ours and isinstance(index, ast.Constant) and isinstance(index.value, int) else None


def _drops_background(text: str) -> bool:
    """Whether a lambda is ``x[1:]``: one-hot channels without the background, which a label image has no use for."""
    function = _parse_lambda(text)
    if function is None:
        return False
    return ast.unparse(function.body) == f"{function.args.args[0].arg}[1:]"


def _parse_lambda(text: str) -> ast.Lambda | None:
    try:
        node = ast.parse(text.removeprefix("$").strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return node if isinstance(node, ast.Lambda) and len(node.args.args) == 1 else None


def _first(value: Any) -> Any:
    return value[0] if isinstance(value, list) and value else value
