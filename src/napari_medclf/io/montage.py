"""Several slices of a volume with their labels, side by side in one picture."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from napari_medclf.domain.image import MedImage
from napari_medclf.domain.results import Segmentation
from napari_medclf.io.overlay import RgbArray, draw_overlay, write_rgb

_MOST_TILES = 12
_LARGEST_TILE = 512


def write_montage(image: MedImage, segmentation: Segmentation, path: Path, n_slices: int = _MOST_TILES) -> None:
    """Write slices that are spread evenly over what is labelled, as one PNG.

    They run in the order of k, row by row from the top left. Of a picture there is one.

    Raises
    ------
    WriteError
        If the labels do not lie on the image's grid, or the file could not be written.
    """
    tiles = [_small(draw_overlay(image, segmentation, k)) for k in montage_slices(segmentation, n_slices)]
    write_rgb(_side_by_side(tiles), image, path)


def montage_slices(segmentation: Segmentation, n_slices: int = _MOST_TILES) -> tuple[int, ...]:
    """Choose slices from the first that is labelled to the last; from all where nothing is labelled."""
    labelled = np.flatnonzero(np.asarray(segmentation.labels).any(axis=(1, 2)))
    first, last = (labelled[0], labelled[-1]) if labelled.size else (0, segmentation.labels.shape[0] - 1)
    spread = np.linspace(first, last, min(n_slices, int(last - first) + 1))
    return tuple(np.unique(np.rint(spread).astype(int)).tolist())


def _side_by_side(tiles: list[RgbArray]) -> RgbArray:
    rows, columns = tiles[0].shape[:2]
    n_across = math.ceil(math.sqrt(len(tiles) * rows / columns))  # as square as the tiles allow
    n_down = math.ceil(len(tiles) / n_across)
    sheet = np.zeros((n_down * rows, n_across * columns, 3), dtype=np.uint8)
    for position, tile in enumerate(tiles):
        top, left = position // n_across * rows, position % n_across * columns
        sheet[top : top + rows, left : left + columns] = tile
    return sheet


def _small(tile: RgbArray) -> RgbArray:
    from PIL import Image

    factor = _LARGEST_TILE / max(tile.shape[:2])
    if factor >= 1:
        return tile
    rows, columns = (max(round(n * factor), 1) for n in tile.shape[:2])
    return np.asarray(Image.fromarray(tile).resize((columns, rows), Image.Resampling.BOX))
