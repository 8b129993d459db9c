"""Show another image and its labels in layers that are there already: a part of the work of making new ones."""

from __future__ import annotations

from typing import Any

import numpy as np
from napari.layers import Image, Labels

from napari_medclf.bridge.layers import LayerTuple

_LABELS_AS_NEW = {
    "opacity": 0.6,
    "blending": "translucent",
    "selected_label": 1,
    "brush_size": 10,
    "n_edit_dimensions": 2,
    "contiguous": True,
    "preserve_labels": False,
    "contour": 0,
    "show_selected_label": False,
    "rendering": "iso_categorical",
    "iso_gradient_mode": "fast",
}
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
    return (
        layer.rgb == is_rgb
        and layer.data.dtype == data.dtype
        and _is_untouched(layer, data.ndim - is_rgb)
        and str(layer.rendering) == "mip"
        and str(layer.interpolation2d) == "nearest"
    )


def can_refill_labels(layer: Any, described: LayerTuple) -> bool:
    """Whether a layer of labels becomes just what a new one would be; those of objects, which share colours, do not.

    Parameters
    ----------
    described : LayerTuple
        As `bridge.layers.labels_layer` describes labels.
    """
    data, keywords, kind = described
    if kind != "labels" or not isinstance(layer, Labels) or layer.multiscale:
        return False
    return "colormap" in keywords and layer.data.dtype == data.dtype and _is_untouched(layer, data.ndim)


def _is_untouched(layer: Any, n_axes: int) -> bool:
    """Whether a layer has so many axes, and lies as its scale and its place say."""
    return bool(
        layer.ndim == n_axes
        and np.array_equal(layer.affine.affine_matrix, np.eye(n_axes + 1))
        and not np.any(layer.shear)
        and np.array_equal(layer.rotate, np.eye(n_axes))
        and not layer.experimental_clipping_planes
    )


def empty_labels(layer: Any) -> None:
    """Hide a layer of labels and let it forget what it was about, until `refill_labels` gives it others."""
    layer.visible = False
    layer.editable = False  # napari's own list of what can be undone goes with that
    layer.metadata = {}


def refill_labels(layer: Any, described: LayerTuple) -> None:
    """Give a layer that `empty_labels` hid other labels, their place, and the looks and tools of a new layer.

    It must be one that `can_refill_labels` allows.
    """
    data, keywords, _ = described
    layer.data = data
    for name in ("name", "metadata", "scale", "translate", "units", "axis_labels", "features", "colormap"):
        setattr(layer, name, keywords[name])
    for name, value in (_LABELS_AS_NEW | {"opacity": keywords["opacity"]}).items():
        if getattr(layer, name) != value:
            setattr(layer, name, value)
    layer.editable = layer.visible = True


def refill(viewer: Any, layer: Any, described: LayerTuple) -> None:
    """Give the only image of a viewer the samples, the place and the looks of another image.

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
