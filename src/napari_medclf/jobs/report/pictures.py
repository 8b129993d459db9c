"""Small pictures of cases: the pixels, the outline of the reference and that of the model. No text of the header."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_medclf.jobs.render import slice_rgb
from napari_medclf.jobs.sheet import Colour, RgbArray

if TYPE_CHECKING:
    from napari_medclf.domain.arrays import BoolArray, LabelArray
    from napari_medclf.domain.image import MedImage
    from napari_medclf.domain.results import Segmentation

REFERENCE_COLOUR: Colour = (86, 180, 233)
PREDICTED_COLOUR: Colour = (230, 159, 0)
"""Sky blue and orange of Okabe & Ito (2008), which colour-blind people tell apart."""
_LONGEST_PX = 240


def draw_case(image: MedImage, predicted: Segmentation | None, reference: Segmentation | None) -> RgbArray:
    """Draw the slice of an image on which both outlines differ most; the middle one without labels.

    Returns
    -------
    (rows, columns, 3) uint8
        At most 240 pixels long; a picture without outlines is not enlarged.
    """
    from PIL import Image

    k = _worst_slice(image, predicted, reference)
    shape = _shape_px(image, is_enlarged=predicted is not None)
    canvas = np.asarray(Image.fromarray(slice_rgb(image, k)).resize(shape[::-1], Image.Resampling.BICUBIC)).copy()
    for labels, colour in ((reference, REFERENCE_COLOUR), (predicted, PREDICTED_COLOUR)):
        if labels is not None:
            _outline(canvas, labels.labels[k], colour)
    return canvas


def data_uri(picture: RgbArray) -> str:
    """Write a picture as the address of an image that stands in the page itself."""
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, format="PNG")
    return "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode()


def _worst_slice(image: MedImage, predicted: Segmentation | None, reference: Segmentation | None) -> int:
    n_slices: int = image.geometry.shape[0]
    if n_slices == 1 or predicted is None:
        return n_slices // 2
    wrong: BoolArray = predicted.labels > 0
    if reference is not None:
        wrong = wrong != (reference.labels > 0) if predicted.is_instances else predicted.labels != reference.labels
    counts = wrong.sum(axis=(1, 2))
    return int(counts.argmax()) if counts.any() else n_slices // 2


def _shape_px(image: MedImage, *, is_enlarged: bool) -> tuple[int, int]:
    """Rows and columns in which a millimetre is as long downwards as sideways."""
    _, n_rows, n_columns = image.geometry.shape
    _, row_step, column_step = image.geometry.spacing
    height, width = n_rows * row_step, n_columns * column_step
    longest = _LONGEST_PX if is_enlarged else min(_LONGEST_PX, max(n_rows, n_columns))
    factor = longest / max(height, width)
    return max(round(height * factor), 1), max(round(width * factor), 1)


def _outline(canvas: RgbArray, labels: LabelArray, colour: Colour) -> None:
    rows = np.arange(canvas.shape[0]) * labels.shape[0] // canvas.shape[0]
    columns = np.arange(canvas.shape[1]) * labels.shape[1] // canvas.shape[1]
    large = labels[np.ix_(rows, columns)]
    canvas[_edges(large)] = colour


def _edges(labels: LabelArray) -> NDArray[np.bool_]:
    """Mark labelled pixels that touch another label."""
    edge = np.zeros(labels.shape, dtype=bool)
    for axis in (0, 1):
        differs = np.diff(labels, axis=axis) != 0
        before, after = [slice(None)] * 2, [slice(None)] * 2
        before[axis], after[axis] = slice(None, -1), slice(1, None)
        edge[tuple(before)] |= differs
        edge[tuple(after)] |= differs
    return np.asarray(edge & (labels > 0))
