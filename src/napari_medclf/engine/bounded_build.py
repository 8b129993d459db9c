"""Build a network only as large as its weights, whatever its description asks for."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from napari_medclf.domain.errors import CardError
from napari_medclf.engine.dispatch_mode import DispatchMode

# Room for what a network makes besides its weights while it is built: random numbers, tables of positions.
_TIMES, _ROOM_BYTES = 4, 2**28
_NUMBER_BYTES = 4
# What torch makes the parameters of its layers by, and what networks of MONAI make tables by.
_MAKERS = ("empty", "zeros", "ones", "full", "rand", "randn", "eye")


class AtMost(DispatchMode):
    """Refuses to make more tensors than a file of weights can fill; a context manager.

    Parameters
    ----------
    n_bytes : int
        Of the weights.
    name : str
        Of their file, for the message.

    Raises
    ------
    CardError
        Before the memory for it is taken.
    """

    def __init__(self, n_bytes: int, name: str) -> None:
        super().__init__()
        self._left_bytes = _TIMES * n_bytes + _ROOM_BYTES
        self._name = name

    def __torch_dispatch__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        is_made = getattr(func, "overloadpacket", func).__name__ in _MAKERS
        if is_made and args and isinstance(args[0], (list, tuple)):
            self._take(_NUMBER_BYTES * math.prod(args[0]))
        return func(*args, **(kwargs or {}))

    def _take(self, n_bytes: int) -> None:
        self._left_bytes -= n_bytes
        if self._left_bytes < 0:
            raise CardError(f"{self._name}: the network that is described is far larger than its weights are.")
