"""Labels drawn over an image, for slides, papers and quick looks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_medclf.domain.arrays import LabelArray
from napari_medclf.domain.errors import WriteError
from napari_medclf.domain.geometry import Geometry
from napari_medclf.domain.image import ChannelKind, MedImage, Scale
from napari_medclf.domain.results import Segmentation
from napari_medclf.io.sniff import stem_of
from napari_medclf.io.upright import turn_slice
from napari_medclf.io.window import robust_window
from napari_medclf.io.write import write_image

RgbArray = NDArray[np.uint8]

_OPACITY = 0.4
_LARGEST_SIDE = 8192
_SMALLEST_SIDE = 384
# Okabe & Ito 2008, for objects that share one class.
_OBJECT_COLOURS = ("#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7")


def write_overlay(image: MedImage, segmentation: Segmentation, path: Path, k: int | None = None) -> None:
    """Write one slice with its labels as PNG.

    Parameters
    ----------
    k : int or None
        Which slice; None takes the one with most labelled pixels.

    Raises
    ------
    WriteError
        If the labels do not lie on the image's grid, or the file could not be written.
    """
    chosen = busiest_slice(segmentation) if k is None else k
    write_rgb(draw_overlay(image, segmentation, chosen), image, path)


def write_overlays(image: MedImage, segmentation: Segmentation, path: Path) -> tuple[Path, ...]:
    """Write every slice that has labels: ``a.png`` gives ``a-007.png`` for k = 7.

    Returns
    -------
    tuple of Path
        What was written, in the order of k.
    """
    slices = np.flatnonzero(segmentation.labels.any(axis=(1, 2))).tolist()
    digits = len(str(segmentation.labels.shape[0] - 1))
    written = []
    for k in slices:
        target = path.with_name(f"{stem_of(path)}-{k:0{digits}d}.png")
        write_rgb(draw_overlay(image, segmentation, k), image, target)
        written.append(target)
    return tuple(written)


def busiest_slice(segmentation: Segmentation) -> int:
    """Give the slice with most labelled pixels; the middle one where nothing is labelled."""
    counts = np.count_nonzero(segmentation.labels, axis=(1, 2))
    return int(counts.argmax()) if counts.any() else segmentation.labels.shape[0] // 2


def draw_overlay(image: MedImage, segmentation: Segmentation, k: int) -> RgbArray:
    """Draw a slice in its window with the labels in the colours of their classes, filled thinly and outlined.

    Returns
    -------
    (rows, columns, 3) uint8
        With square pixels: the axis with the larger spacing is stretched. A slice of a volume is turned as
        radiologists look at it (an axial one has Posterior below and the patient's Left on the right), a picture
        stays as it is. Small ones are enlarged by a whole number.

    Raises
    ------
    WriteError
        If the labels do not lie on the image's grid, or there is no such slice.
    """
    difference = image.geometry.explain_difference(segmentation.geometry)
    if difference:
        raise WriteError(f"{image.name}: the labels do not lie on this image: {difference}.")
    return draw_over(image, k, lambda picture: _painted(picture, segmentation, k))


def draw_over(image: MedImage, k: int, paint: Callable[[RgbArray], RgbArray]) -> RgbArray:
    """Draw a slice in its window as `draw_overlay` does, with something painted over it.

    Parameters
    ----------
    paint : callable
        Takes the picture (rows, columns, 3) with square pixels, not turned yet, and gives it back painted on.

    Raises
    ------
    WriteError
        If there is no such slice.
    """
    if not 0 <= k < image.geometry.shape[0]:
        raise WriteError(f"{image.name}: has no slice {k}; there are 0 to {image.geometry.shape[0] - 1}.")
    picture = resized(_plane(image, k), _square_size(image.geometry), is_smooth=True)
    return _enlarged(turn_slice(paint(np.asarray(picture, dtype=np.uint8)), image.geometry))


def _painted(picture: RgbArray, segmentation: Segmentation, k: int) -> RgbArray:
    values = np.asarray(segmentation.labels[k]).astype(np.int32)
    labels = resized(values, picture.shape[:2], is_smooth=False).astype(np.int32)
    return _blend(picture, labels, segmentation)


def _enlarged(rgb: RgbArray) -> RgbArray:
    factor = -(-_SMALLEST_SIDE // max(rgb.shape[:2]))
    return np.ascontiguousarray(rgb.repeat(factor, axis=0).repeat(factor, axis=1))


def write_rgb(rgb: RgbArray, image: MedImage, path: Path) -> None:
    """Write a drawn picture as PNG.

    Parameters
    ----------
    rgb : (rows, columns, 3) uint8
    image : MedImage
        What it was drawn from.

    Raises
    ------
    WriteError
        If the file is not named .png, or could not be written.
    """
    if path.suffix.lower() != ".png":
        raise WriteError(f"{path}: overlays are written as .png.")
    flat = Geometry.flat(*rgb.shape[:2])
    drawn = replace(
        image, data=np.moveaxis(rgb, -1, 0)[:, None], geometry=flat, scale=Scale.DISPLAY, window=None,
        channel_kind=ChannelKind.COLOUR, channel_names=("red", "green", "blue"), channel_values=(),
    )  # fmt: skip
    write_image(drawn, path)


def _plane(image: MedImage, k: int) -> RgbArray:
    """Take a slice as (J, I, 3) between black and white."""
    plane = np.asarray(image.data[..., k, :, :])
    if image.channel_kind is ChannelKind.COLOUR:
        return _to_bytes(np.moveaxis(plane, 0, -1), (0.0, 255.0) if plane.dtype == np.uint8 else robust_window(plane))
    gray = plane.reshape(-1, *plane.shape[-2:])[0]
    return np.repeat(_to_bytes(gray, image.window or robust_window(gray))[..., None], 3, axis=-1)


def _to_bytes(samples: NDArray[np.generic], window: tuple[float, float]) -> RgbArray:
    low, high = window
    scaled = (np.nan_to_num(samples.astype(np.float32)) - low) / max(high - low, 1e-12) * 255
    return np.asarray(np.clip(np.rint(scaled), 0, 255).astype(np.uint8))


def _square_size(geometry: Geometry) -> tuple[int, int]:
    """Rows and columns that show the slice with the proportions it has in the patient."""
    _, rows, columns = geometry.shape
    _, row_step, column_step = geometry.spacing
    step = min(row_step, column_step)
    step *= max(1.0, rows * row_step / step / _LARGEST_SIDE, columns * column_step / step / _LARGEST_SIDE)
    return max(round(rows * row_step / step), 1), max(round(columns * column_step / step), 1)


def resized(plane: NDArray[np.generic], size: tuple[int, ...], *, is_smooth: bool) -> NDArray[np.generic]:
    """Bring a plane (rows, columns, ...) to another size."""
    from PIL import Image

    if plane.shape[:2] == size:
        return plane
    method = Image.Resampling.BILINEAR if is_smooth else Image.Resampling.NEAREST
    rows, columns = size
    return np.asarray(Image.fromarray(plane).resize((columns, rows), method))


def _blend(picture: NDArray[np.generic], labels: LabelArray, segmentation: Segmentation) -> RgbArray:
    colours = np.zeros((int(labels.max()) + 1, 3), dtype=np.float32)
    for value in np.unique(labels[labels > 0]).tolist():
        colours[value] = _colour(segmentation, value)
    weight = np.where(_is_edge(labels), 1.0, _OPACITY)[..., None] * (labels > 0)[..., None]
    blended = picture.astype(np.float32) * (1 - weight) + colours[labels] * weight
    return np.asarray(np.rint(blended).astype(np.uint8))


def _colour(segmentation: Segmentation, value: int) -> tuple[int, ...]:
    if segmentation.is_instances:
        text = _OBJECT_COLOURS[(value - 1) % len(_OBJECT_COLOURS)]
    else:
        text = segmentation.schema.valued(value).colour
    return tuple(bytes.fromhex(text[1:]))


def _is_edge(labels: LabelArray) -> NDArray[np.bool_]:
    """Whether a pixel has a neighbour of another label above, below, left or right."""
    edge = np.zeros(labels.shape, dtype=bool)
    differs_down = labels[1:] != labels[:-1]
    differs_right = labels[:, 1:] != labels[:, :-1]
    edge[1:] |= differs_down
    edge[:-1] |= differs_down
    edge[:, 1:] |= differs_right
    edge[:, :-1] |= differs_right
    return edge
