"""A heat map drawn over the slice where it is hottest."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from napari_medclf.domain.arrays import FloatArray
from napari_medclf.domain.errors import WriteError
from napari_medclf.domain.heat_map import HeatMap
from napari_medclf.domain.image import MedImage
from napari_medclf.io.overlay import RgbArray, draw_over, resized, write_rgb

_OPACITY = 0.6


def write_heat_overlay(image: MedImage, heat: HeatMap, path: Path, k: int | None = None) -> None:
    """Write one slice with its heat as PNG: clear where nothing speaks for the class, then red, yellow and white.

    Parameters
    ----------
    k : int or None
        Which slice; None takes the one where the map is hottest.

    Raises
    ------
    WriteError
        If the map does not lie on the image's grid, or the file could not be written.
    """
    difference = image.geometry.explain_difference(heat.geometry)
    if difference:
        raise WriteError(f"{image.name}: the heat map does not lie on this image: {difference}.")
    chosen = hottest_slice(heat) if k is None else k
    write_rgb(draw_over(image, chosen, lambda picture: _heated(picture, heat.values[chosen])), image, path)


def hottest_slice(heat: HeatMap) -> int:
    """Give the slice with the hottest voxel; the middle one of an empty map."""
    return len(heat.values) // 2 if heat.is_empty else int(heat.values.max(axis=(1, 2)).argmax())


def _heated(picture: RgbArray, plane: FloatArray) -> RgbArray:
    heat = np.clip(resized(np.asarray(plane, np.float32), picture.shape[:2], is_smooth=True), 0, 1)[..., None]
    colour = 255 * np.clip(np.concatenate([3 * heat, 3 * heat - 1, 3 * heat - 2], axis=-1), 0, 1)
    weight = _OPACITY * np.sqrt(heat)
    return np.asarray(np.rint(picture * (1 - weight) + colour * weight), dtype=np.uint8)
