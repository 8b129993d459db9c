"""Masks of segments that may overlap, laid into as few label images as it takes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from napari_medclf.domain.arrays import BoolArray, LabelArray
from napari_medclf.domain.geometry import Shape3

Packed = NDArray[np.uint8]


@dataclass(eq=False)
class Layer:
    """A label image under construction, and the values that are in it."""

    labels: LabelArray
    values: list[int] = field(default_factory=list)

    def takes(self, masks: Mapping[int, BoolArray]) -> bool:
        """Whether nothing lies yet where these masks are."""
        return not any((self.labels[n] != 0)[mask].any() for n, mask in masks.items())

    def put(self, value: int, masks: Mapping[int, BoolArray]) -> None:
        """Give the voxels of some masks a value."""
        for n, mask in masks.items():
            self.labels[n][mask] = value
        self.values.append(value)


def layer_masks(
    masks: Iterable[tuple[int, Mapping[int, Packed]]], shape: Shape3, highest: int, check: Callable[[int], None]
) -> list[Layer]:
    """Lay each segment into the first layer where it overlaps nothing.

    Parameters
    ----------
    masks : iterable of (value, {slice: packed bits})
        As `pack` made them.
    shape : (N, J, I)
        Of the layers.
    highest : int
        Largest value, which decides the dtype.
    check : callable
        Told the bytes of all layers before another one is made; raises where they do not fit into memory.
    """
    layers: list[Layer] = []
    dtype = np.min_scalar_type(highest)
    n_bytes = int(np.prod(shape)) * dtype.itemsize
    for value, packed in masks:
        found = {n: unpack(bits, shape[1:]) for n, bits in packed.items()}
        layer = next((one for one in layers if one.takes(found)), None)
        if layer is None:
            check(n_bytes * (len(layers) + 1))
            layer = Layer(np.zeros(shape, dtype))
            layers.append(layer)
        layer.put(value, found)
    return layers


def pack(mask: BoolArray) -> Packed:
    """Keep a mask in an eighth of its bytes."""
    return np.packbits(mask)


def unpack(bits: Packed, shape: tuple[int, int]) -> BoolArray:
    """Undo `pack`."""
    return np.unpackbits(bits, count=shape[0] * shape[1]).reshape(shape).astype(np.bool_)
