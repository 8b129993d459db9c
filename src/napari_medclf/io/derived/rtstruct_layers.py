"""Label images for regions that may overlap: as few as hold them all."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from napari_medclf.domain.arrays import BoolArray, LabelArray
from napari_medclf.domain.geometry import Shape3
from napari_medclf.domain.labels import LabelClass
from napari_medclf.io.preflight import check_budget

_MOST_BYTES = 1_200_000_000


class Layers:
    """Puts each region into the first label image where nothing is in its way.

    Parameters
    ----------
    shape : (K, J, I)
        Of every label image.
    highest : int
        The highest label value to come; decides on the dtype.
    """

    def __init__(self, path: Path, shape: Shape3, highest: int) -> None:
        self._path = path
        self._shape = shape
        self._dtype = np.min_scalar_type(highest)
        self._held: list[tuple[LabelArray, list[LabelClass]]] = []

    def add(self, label: LabelClass, masks: dict[int, BoolArray]) -> bool:
        """Write a label where its masks are.

        Parameters
        ----------
        masks : dict
            From k to (J, I).

        Returns
        -------
        bool
            False where this would take one label image too many.

        Raises
        ------
        ReadError
            If there is not even memory for one.
        """
        layer = next((one for one in self._held if _is_free(one[0], masks)), None) or self._begin()
        if layer is None:
            return False
        labels, classes = layer
        for k, mask in masks.items():
            labels[k][mask] = label.value
        classes.append(label)
        return True

    def held(self) -> list[tuple[LabelArray, list[LabelClass]]]:
        """Give the label images with the classes in each; never one without classes."""
        return self._held

    def _begin(self) -> tuple[LabelArray, list[LabelClass]] | None:
        n_bytes = int(np.prod(self._shape)) * self._dtype.itemsize
        if self._held and (len(self._held) + 1) * n_bytes > _MOST_BYTES:
            return None
        check_budget(self._path, n_bytes)
        self._held.append((np.zeros(self._shape, self._dtype), []))
        return self._held[-1]


def _is_free(layer: LabelArray, masks: dict[int, BoolArray]) -> bool:
    return not any(layer[k][mask].any() for k, mask in masks.items())
