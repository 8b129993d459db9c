"""Label images for regions that may overlap: as few as hold them all."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from napari_medclf.domain.arrays import FloatArray, LabelArray
from napari_medclf.domain.geometry import Shape3
from napari_medclf.domain.labels import LabelClass
from napari_medclf.io.derived.rtstruct.contour_raster import Block, estimate_work, fill_block
from napari_medclf.io.preflight import check_budget

_MOST_BYTES = 1_200_000_000
MOST_WORK = 1_000_000_000
"""Pixels that are filled and compared: as many as 100 regions of 200 x 200 pixels on 250 slices have."""


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
        self._work_left = MOST_WORK

    def add(self, label: LabelClass, polygons: dict[int, list[FloatArray]]) -> bool:
        """Fill polygons and write a label there.

        Parameters
        ----------
        polygons : dict
            From k to (N, 2) in (j, i), which combine by XOR.

        Returns
        -------
        bool
            False where this would take one label image too many, or too long.

        Raises
        ------
        ReadError
            If there is not even memory for one.
        """
        plane = (self._shape[1], self._shape[2])
        self._work_left -= sum(estimate_work(one, plane) for one in polygons.values())
        if self._work_left < 0:
            return False
        blocks = {k: fill_block(one, plane) for k, one in polygons.items()}
        layer = next((one for one in self._held if self._is_free(one[0], blocks)), None) or self._begin()
        if layer is None:
            return False
        labels, classes = layer
        for k, block in blocks.items():
            labels[k, block.rows, block.columns][block.mask] = label.value
        classes.append(label)
        return True

    def held(self) -> list[tuple[LabelArray, list[LabelClass]]]:
        """Give the label images with the classes in each; never one without classes."""
        return self._held

    def _is_free(self, labels: LabelArray, blocks: dict[int, Block]) -> bool:
        self._work_left -= sum(block.mask.size for block in blocks.values())
        return not any(labels[k, block.rows, block.columns][block.mask].any() for k, block in blocks.items())

    def _begin(self) -> tuple[LabelArray, list[LabelClass]] | None:
        n_bytes = int(np.prod(self._shape)) * self._dtype.itemsize
        if self._held and (len(self._held) + 1) * n_bytes > _MOST_BYTES:
            return None
        check_budget(self._path, n_bytes)
        self._held.append((np.zeros(self._shape, self._dtype), []))
        return self._held[-1]
