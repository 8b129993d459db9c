"""Understand the few kinds of ``$`` expression that describe values, without ``eval``."""

from __future__ import annotations

import ast
import operator
import posixpath
from collections.abc import Callable
from itertools import pairwise
from typing import Any

from napari_medclf.store.monai_config.pieces import Code, Component, Constant, Item
from napari_medclf.store.monai_config.targets import CONSTANTS, canonical, is_call

MAX_CHARACTERS = 2_000
_MAX_NODES = 400
_MAX_LENGTH = 10_000
_MAX_MAGNITUDE = 10**12

_BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}
_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda one, many: one in many,
    ast.NotIn: lambda one, many: one not in many,
}
_UNARY: dict[type[ast.unaryop], Callable[[Any], Any]] = {
    ast.UAdd: operator.pos,
    ast.USub: operator.neg,
    ast.Not: operator.not_,
}
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "len": len,
    "int": int,
    "float": float,
    "bool": bool,
    "str": str,
    "list": list,
    "tuple": list,
    "range": lambda *limits: list(range(*limits)),
    "min": min,
    "max": max,
    "sum": sum,
    "abs": abs,
    "round": round,
    "sorted": sorted,
    "os.path.join": posixpath.join,
}
_PLACING = ("to", "eval", "cuda", "cpu", "float")  # methods that move a network, and change nothing of what it is


class NotUnderstood(Exception):
    """The expression is code, not a description."""


def understand(text: str, names: dict[str, Any], where: str) -> Any:
    """Say what an expression describes.

    Parameters
    ----------
    text : str
        Python without its ``$``; references are replaced by the keys of `names`.
    names : dict
        Described values of the references.

    Returns
    -------
    Any
        A plain value, `Component`, `Item` or `Constant`.

    Raises
    ------
    NotUnderstood
        If it is anything but numbers, strings, lists, arithmetic, comparison, a choice, indexing, joining of paths, a
        constant by name, or a call that is on the list of what describes a network.
    """
    if len(text) > MAX_CHARACTERS:
        raise NotUnderstood
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise NotUnderstood from error
    if sum(1 for _ in ast.walk(tree)) > _MAX_NODES:
        raise NotUnderstood
    try:
        return _Reader(names, where).read(tree.body)
    except (ArithmeticError, TypeError, ValueError, LookupError, RecursionError, AttributeError) as error:
        raise NotUnderstood from error


class _Reader:
    def __init__(self, names: dict[str, Any], where: str) -> None:
        self._names = names
        self._where = where

    def read(self, node: ast.expr) -> Any:
        method = getattr(self, f"_read_{type(node).__name__.lower()}", None)
        if method is None:
            raise NotUnderstood
        return _check_size(method(node))

    def _read_constant(self, node: ast.Constant) -> Any:
        if node.value is not None and not isinstance(node.value, (bool, int, float, str)):
            raise NotUnderstood
        return node.value

    def _read_list(self, node: ast.List) -> list[Any]:
        return [self.read(one) for one in node.elts]

    def _read_tuple(self, node: ast.Tuple) -> list[Any]:
        return [self.read(one) for one in node.elts]

    def _read_dict(self, node: ast.Dict) -> dict[Any, Any]:
        if None in node.keys:
            raise NotUnderstood
        keys = [self.read(key) for key in node.keys if key is not None]
        return dict(zip(keys, [self.read(value) for value in node.values], strict=True))

    def _read_unaryop(self, node: ast.UnaryOp) -> Any:
        if type(node.op) not in _UNARY:
            raise NotUnderstood
        return _UNARY[type(node.op)](_plain(self.read(node.operand)))

    def _read_binop(self, node: ast.BinOp) -> Any:
        if type(node.op) not in _BINARY:
            raise NotUnderstood
        left, right = self.read(node.left), self.read(node.right)
        if isinstance(node.op, ast.Add) and isinstance(left, list) and isinstance(right, list):
            return left + right  # lists of transforms are joined
        _plain(left)
        _plain(right)
        if isinstance(node.op, ast.Pow) and not (abs(left) <= 1e4 and abs(right) <= 8):
            raise NotUnderstood
        if isinstance(node.op, ast.Mult) and not _is_small_product(left, right):
            raise NotUnderstood
        if isinstance(node.op, ast.Mod) and isinstance(left, str):
            raise NotUnderstood  # "%1000000000d" makes a gigabyte
        return _BINARY[type(node.op)](left, right)

    def _read_compare(self, node: ast.Compare) -> bool:
        values = [_plain(self.read(one)) for one in (node.left, *node.comparators)]
        if any(type(op) not in _COMPARE for op in node.ops):
            raise NotUnderstood
        return all(_COMPARE[type(op)](*pair) for op, pair in zip(node.ops, pairwise(values), strict=True))

    def _read_boolop(self, node: ast.BoolOp) -> Any:
        values = [_plain(self.read(one)) for one in node.values]
        return all(values) if isinstance(node.op, ast.And) else any(values)

    def _read_ifexp(self, node: ast.IfExp) -> Any:
        return self.read(node.body if _plain(self.read(node.test)) else node.orelse)

    def _read_subscript(self, node: ast.Subscript) -> Any:
        of, key = self.read(node.value), self.read(node.slice)
        if isinstance(of, Component) and of.is_allowed and isinstance(key, (str, int)):
            return Item(of, key)
        if not isinstance(of, (list, dict, str)):
            raise NotUnderstood
        return of[key]

    def _read_slice(self, node: ast.Slice) -> slice:
        parts = [None if one is None else _plain(self.read(one)) for one in (node.lower, node.upper, node.step)]
        return slice(*parts)

    def _read_name(self, node: ast.Name) -> Any:
        if node.id in self._names:
            return self._names[node.id]
        return self._named_constant(node.id)

    def _read_attribute(self, node: ast.Attribute) -> Any:
        return self._named_constant(_dotted(node))

    def _read_call(self, node: ast.Call) -> Any:
        placed = self._placed(node)
        if placed is not None:
            return placed
        name = _dotted(node.func)
        if any(isinstance(one, ast.Starred) for one in node.args) or any(one.arg is None for one in node.keywords):
            raise NotUnderstood
        positional = [self.read(one) for one in node.args]
        if name in _FUNCTIONS:
            if node.keywords:
                raise NotUnderstood
            return _FUNCTIONS[name](*map(_plain, _check_range(name, positional)))
        if not is_call(name):
            raise NotUnderstood
        named = {str(one.arg): self.read(one.value) for one in node.keywords}
        return Component(canonical(name), named, tuple(positional), is_allowed=True, where=self._where)

    def _placed(self, node: ast.Call) -> Component | None:
        """Read ``@network_def.to(@device)`` as the network: where it computes is not a bundle's choice."""
        if not (isinstance(node.func, ast.Attribute) and node.func.attr in _PLACING):
            return None
        if not isinstance(node.func.value, (ast.Name, ast.Call)):
            return None
        of = self.read(node.func.value)
        return of if isinstance(of, Component) else None

    @staticmethod
    def _named_constant(name: str) -> Any:
        if name not in CONSTANTS:
            raise NotUnderstood
        value = CONSTANTS[name]
        return Constant(name) if value is None else value


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    raise NotUnderstood


def _plain(value: Any) -> Any:
    if isinstance(value, (Code, Component, Item, Constant)):
        raise NotUnderstood
    return value


def _check_range(name: str, limits: list[Any]) -> list[Any]:
    if name == "range" and any(not isinstance(one, int) or abs(one) > _MAX_LENGTH for one in limits):
        raise NotUnderstood
    return limits


def _is_small_product(left: Any, right: Any) -> bool:
    is_repeated = isinstance(left, (str, list)) or isinstance(right, (str, list))
    sizes = [len(one) if isinstance(one, (str, list)) else abs(one) for one in (left, right)]
    return bool(sizes[0] * sizes[1] <= (_MAX_LENGTH if is_repeated else _MAX_MAGNITUDE))


def _check_size(value: Any) -> Any:
    if isinstance(value, (str, list, dict)) and len(value) > _MAX_LENGTH:
        raise NotUnderstood
    if isinstance(value, (int, float)) and not abs(value) <= _MAX_MAGNITUDE:
        raise NotUnderstood
    return value
