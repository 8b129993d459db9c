"""Show another image in a layer that is there already: a third of the work of taking it away and adding a new one."""

from __future__ import annotations

from typing import Any

import numpy as np
from napari.layers import Image

from napari_medclf.bridge.layers import LayerTuple

_AS_NEW = {"visible": True, "opacity": 1.0, "gamma": 1.0, "mode": "pan_zoom", "blending": "translucent"}


def can_refill(layer: Any, described: LayerTuple) -> bool:
    """Whether a layer becomes just what a new one would be: the same kind, with nothing on it that cannot be set back.

    Parameters
    ----------
    described : LayerTuple
        As `bridge.layers.image_layer` describes an image.
    """
    data, keywords, kind = described
    if kind != "image" or not isinstance(layer, Image) or layer.multiscale:
        return False
    is_rgb = bool(keywords.get("rgb"))
    n_axes = data.ndim - is_rgb
    is_untouched = np.array_equal(layer.affine.affine_matrix, np.eye(n_axes + 1)) and not np.any(layer.shear)
    return (
        layer.ndim == n_axes
        and layer.rgb == is_rgb
        and layer.data.dtype == data.dtype
        and is_untouched
        and np.array_equal(layer.rotate, np.eye(n_axes))
        and not layer.experimental_clipping_planes
        and str(layer.rendering) == "mip"
        and str(layer.interpolation2d) == "nearest"
    )


def refill(viewer: Any, layer: Any, described: LayerTuple) -> None:
    """Give the only layer of a viewer the samples, the place and the looks of another image.

    It must be one that `can_refill` allows. Contrast limits, colours and whatever else a person had set belonged to
    the image before.
    """
    data, keywords, _ = described
    layer.visible = False  # a layer that nobody sees is not sliced and drawn after each of the changes below
    layer.name, layer.metadata, layer.data = keywords["name"], keywords["metadata"], data
    for name in ("scale", "translate", "units", "axis_labels"):
        setattr(layer, name, keywords[name])
    if not layer.rgb:
        layer.colormap = keywords["colormap"]
        limits = keywords["contrast_limits"]
        layer.contrast_limits = layer.contrast_limits_range = limits
        layer.iso_threshold = float(np.mean(limits))
    for name, value in _AS_NEW.items():
        if getattr(layer, name) != value:
            setattr(layer, name, value)
    viewer.dims.current_step = tuple((n_steps - 1) // 2 for n_steps in viewer.dims.nsteps)  # as for a first layer
