"""Points of the viewer as places in the patient."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from napari_medclf.bridge.layer_info import LayerInfo
from napari_medclf.bridge.napari_world import layer_to_world
from napari_medclf.domain.arrays import FloatArray
from napari_medclf.domain.errors import GridError
from napari_medclf.domain.geometry import Unit


def points_in_patient(
    points: FloatArray, attributes: Mapping[str, Any], image: LayerInfo, image_attributes: Mapping[str, Any]
) -> FloatArray:
    """Map points of a layer to LPS millimetres, through the true grid of the image they lie on.

    Parameters
    ----------
    points : (N, D)
        ``layer.data``; the last three axes are the volume's, the last two a picture's.
    attributes, image_attributes : mapping
        ``scale``, ``translate``, ``rotate``, ``shear`` and ``affine`` of the points layer and of the image layer.
    image : LayerInfo
        What the image layer remembers. What napari shows of a tilted or oblique series is upright, so
        its coordinates are not the patient's: only the image's own grid tells.

    Returns
    -------
    (N, 3) float64
        x, y, z in LPS millimetres.

    Raises
    ------
    GridError
        If the image has no millimetres, or the points have fewer axes than it.
    """
    if image.geometry.unit is not Unit.MILLIMETRE:
        raise GridError("These points lie on an image without a scale, so that they have no place in millimetres.")
    n_axes = 2 if image.frame.is_flat else 3
    points = np.asarray(points, dtype=np.float64)
    if points.shape[-1] < n_axes:
        raise GridError(f"Points of {points.shape[-1]} coordinates do not tell a place in a volume.")
    to_image = np.linalg.inv(layer_to_world(image_attributes, n_axes)) @ layer_to_world(attributes, n_axes)
    shown = points[:, -n_axes:] @ to_image[:n_axes, :n_axes].T + to_image[:n_axes, n_axes]
    index = [image.frame.to_source_index(one, image.geometry.shape) for one in shown]
    return image.geometry.to_world(np.reshape(index, (-1, 3)))
