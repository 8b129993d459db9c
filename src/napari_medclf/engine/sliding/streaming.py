"""How finished logits leave a walk over the windows of an image."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from dataclasses import dataclass, field

from torch import Tensor

from napari_medclf.domain.arrays import FloatArray
from napari_medclf.domain.geometry import Shape3


@dataclass(frozen=True, eq=False)
class Streaming:
    """How finished logits leave; none of it changes them, but for `is_half`.

    Parameters
    ----------
    axis : int or None
        Of the model grid, along which they leave; None takes `tiles.choose_axis`.
    planes : (first, last) or None
        The part of that axis that is wanted; None takes all. Other windows are not run.
    is_half, is_on_disk : bool
        As in `sums.Store`.
    is_wanted : callable or None
        Whether the window at a corner (k, j, i) of the unpadded grid is run; the others are background.
    background : (C,) or None
        Logits where no window was run; needed with `is_wanted`.
    known : mapping
        Answers (C, k, j, i) of windows that were asked before, by their corner; they are taken out.
    keep : mapping or None
        Where answers are put, to be used as `known` of another run.
    """

    axis: int | None = None
    planes: tuple[int, int] | None = None
    is_half: bool = False
    is_on_disk: bool = False
    is_wanted: Callable[[Shape3], bool] | None = None
    background: FloatArray | None = None
    known: MutableMapping[Shape3, Tensor] = field(default_factory=dict)
    keep: MutableMapping[Shape3, Tensor] | None = None
