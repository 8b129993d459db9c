"""How napari places a layer: the matrix from its array to napari's world."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from napari_medclf.domain.arrays import FloatArray


def layer_to_world(attributes: Mapping[str, Any], n_axes: int) -> FloatArray:
    """Build the matrix of a layer's last axes from its ``scale, translate, rotate, shear`` and ``affine``.

    Returns
    -------
    (n_axes + 1, n_axes + 1) float64
        As napari 0.9 composes it: affine @ (rotate @ shear @ scale, then translate). What is not given is
        left as it is.
    """
    linear = _square(attributes.get("rotate"), n_axes) @ _shear(attributes.get("shear"), n_axes)
    local = np.eye(n_axes + 1)
    local[:n_axes, :n_axes] = linear @ np.diag(_last(attributes.get("scale"), n_axes, 1.0))
    local[:n_axes, n_axes] = _last(attributes.get("translate"), n_axes, 0.0)
    return np.asarray(_affine(attributes.get("affine"), n_axes) @ local)


def placed_of(layer: Any) -> dict[str, Any]:
    """Read from a layer what `layer_to_world` needs, and its units."""
    affine = getattr(layer, "affine", None)
    return {
        "scale": layer.scale,
        "translate": layer.translate,
        "rotate": getattr(layer, "rotate", None),
        "shear": getattr(layer, "shear", None),
        "affine": getattr(affine, "affine_matrix", affine),
        "units": getattr(layer, "units", ()),
    }


def is_straight(matrix: FloatArray) -> bool:
    """Whether a layer is only scaled and shifted, by positive steps."""
    linear = matrix[:-1, :-1]
    steps = np.diag(linear)
    return bool((steps > 0).all() and np.allclose(linear, np.diag(steps), atol=1e-9 * float(np.abs(linear).max())))


def _last(values: Any, n: int, default: float) -> FloatArray:
    given = np.asarray(() if values is None else values, dtype=np.float64).reshape(-1)
    return given[-n:] if len(given) >= n else np.full(n, default)


def _square(values: Any, n: int) -> FloatArray:
    given = np.asarray(np.eye(n) if values is None else values, dtype=np.float64)
    if given.ndim == 2 and len(given) >= n:
        return given[-n:, -n:]
    if given.size == 1:  # degrees in the plane of the last two axes
        angle, turned = np.radians(float(given.reshape(()))), np.eye(n)
        turned[-2:, -2:] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
        return turned
    raise ValueError(f"a rotation of {given.shape} does not fit {n} axes")


def _shear(values: Any, n: int) -> FloatArray:
    if values is None:
        return np.eye(n)
    given = np.asarray(values, dtype=np.float64)
    if given.ndim == 2:
        return given[-n:, -n:]
    n_given = round((1 + np.sqrt(1 + 8 * len(given))) / 2)  # a vector holds the upper triangle, row by row
    whole = np.eye(max(n_given, n))
    whole[np.triu_indices(n_given, 1)] = given
    return whole[-n:, -n:]


def _affine(values: Any, n: int) -> FloatArray:
    if values is None:
        return np.eye(n + 1)
    given = np.asarray(getattr(values, "affine_matrix", values), dtype=np.float64)
    return given[-(n + 1) :, -(n + 1) :]
