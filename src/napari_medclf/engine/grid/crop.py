"""Boxes of an image, and where they lie in the patient."""

from __future__ import annotations

from collections.abc import Sequence

from napari_medclf.domain.geometry import Geometry

Box = tuple[tuple[int, int], tuple[int, int], tuple[int, int]]


def square_box(shape: Sequence[int]) -> Box | None:
    """Give the largest square in the middle of rows and columns of a (K, J, I) image; None where it is one already.

    Notes
    -----
    Of an odd difference the first side keeps less, as in TorchXRayVision's ``XRayCenterCrop``.
    """
    n_slices, n_rows, n_columns = shape
    size = min(n_rows, n_columns)
    if n_rows == n_columns:
        return None
    top, left = n_rows // 2 - size // 2, n_columns // 2 - size // 2
    return (0, n_slices), (top, top + size), (left, left + size)


def crop_geometry(source: Geometry, box: Box) -> Geometry:
    """Give the grid of a box of another grid."""
    k, j, i = box
    return source.cropped((k[0], j[0], i[0]), (k[1] - k[0], j[1] - j[0], i[1] - i[0]))
