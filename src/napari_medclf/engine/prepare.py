"""From an image to a network's input; training and use share this one way."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from napari_medclf.domain.arrays import FloatArray
from napari_medclf.domain.geometry import Unit
from napari_medclf.domain.image import MedImage
from napari_medclf.domain.input_spec import InputSpec
from napari_medclf.engine.channels import select_channels
from napari_medclf.engine.grid.grid_map import GridMap, map_grid
from napari_medclf.engine.intensity import fill_non_finite, normalise, value_limits

__all__ = ["GridMap", "Prepared", "prepare"]


@dataclass(frozen=True, eq=False)
class Prepared:
    """What a network takes.

    Parameters
    ----------
    data : (C, K, J, I) float32
        Contiguous, on the model grid, scaled; not padded. For a 2D network every slice is an input.
    grid : GridMap
        The way home.
    warnings : tuple of str
        What had to be guessed or changed, as sentences.
    """

    data: FloatArray
    grid: GridMap
    warnings: tuple[str, ...] = ()


def prepare(image: MedImage, spec: InputSpec) -> Prepared:
    """Turn, match channels, resample and scale an image as the card says; the image is left alone.

    Raises
    ------
    CardError
        If the channels do not fit, or the card contradicts itself.
    """
    samples, channel_warning = select_channels(image, spec)
    grid = map_grid(image.geometry, spec)
    limits, range_warning = value_limits(image) if spec.intensity.kind == "range" else ((0.0, 1.0), "")
    source = samples.astype(np.float32, order="C", copy=True)
    finite_warning = fill_non_finite(source)
    data = np.ascontiguousarray(grid.forward(source), dtype=np.float32)
    normalise(data, spec.intensity, limits)
    scale_warning = ""
    if spec.spacing_mm is not None and spec.resize_to is None and image.geometry.unit is Unit.PIXEL:
        scale_warning = "The image carries no scale, so that its size was not adapted to the model's."
    warnings = (channel_warning, scale_warning, range_warning, finite_warning)
    return Prepared(data, grid, tuple(warning for warning in warnings if warning))
