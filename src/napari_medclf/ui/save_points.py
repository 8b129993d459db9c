"""``File > Save`` of points: their places in the patient, told by the image they lie on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import napari
import numpy as np

from napari_medclf.bridge.foreign import foreign_grid
from napari_medclf.bridge.layer_info import LayerInfo
from napari_medclf.bridge.napari_world import placed_of
from napari_medclf.bridge.points import points_in_patient
from napari_medclf.domain.errors import WriteError
from napari_medclf.ui import viewer_link


def write_points(path: str, data: Any, attributes: Mapping[str, Any]) -> list[str]:
    """Write points as CSV or JSON in LPS millimetres, with the columns of their features as labels.

    The image is the topmost image layer of the viewer that has a place in the patient.

    Raises
    ------
    WriteError
        If no such image is in the viewer, or two that do not agree about where the points are.
    """
    from napari_medclf.io.tables import write_points as write

    images = _images(path)
    places = [points_in_patient(np.asarray(data), attributes, info, placed) for info, placed in images]
    if any(not np.allclose(places[0], other, atol=0.05) for other in places[1:]):
        raise WriteError(
            f"{path}: the images in the viewer are turned differently, so it is not clear on which one the points "
            "lie. Remove the other images, and save again."
        )
    geometry = images[0][0].geometry
    write(places[0], _labels(attributes, len(places[0])), Path(path), geometry)
    return [path]


def _images(path: str) -> list[tuple[LayerInfo, Mapping[str, Any]]]:
    viewer = napari.current_viewer()
    layers = [] if viewer is None else [one for one in reversed(viewer.layers) if viewer_link.is_image(one)]
    found: list[tuple[LayerInfo, Mapping[str, Any]]] = []
    for layer in layers:
        placed = placed_of(layer)
        info = viewer_link.info_of(layer)
        if info is None and not layer.rgb and layer.ndim in {2, 3}:
            info = LayerInfo(*foreign_grid(layer.data.shape, placed))
        if info is not None:
            found.append((info, placed))
    if not found:
        raise WriteError(f"{path}: there is no image in the viewer that tells where in the patient these points lie.")
    return found


def _labels(attributes: Mapping[str, Any], n_points: int) -> list[str]:
    """Take the first column of the features as names; points without features are numbered."""
    features = attributes.get("features")
    columns = [] if features is None else list(features)
    for name in ("label", "name", "class", *columns):
        if name in columns and len(features[name]) == n_points:  # type: ignore[index]  # there are columns, so it is a table
            return [str(value) for value in features[name]]  # type: ignore[index]  # as above
    return [str(number + 1) for number in range(n_points)]
