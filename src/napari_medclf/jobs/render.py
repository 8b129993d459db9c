"""Draw what a model said as a picture for people: image, overlay, legend, scores."""

from __future__ import annotations

import colorsys
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_medclf.domain.image import ChannelKind
from napari_medclf.jobs.sheet import BAR, Colour, Entry, RgbArray, Sheet

if TYPE_CHECKING:
    from PIL.Image import Image

    from napari_medclf.domain.arrays import LabelArray
    from napari_medclf.domain.image import MedImage
    from napari_medclf.domain.results import Classification, Prediction, Segmentation

_PANEL_PX = 640
_SLICE_PX = 480
_FILL = 0.75
_OBJECT_FILL = 0.35
_FEW_SLICES = 3


def draw_prediction(image: MedImage, prediction: Prediction | None, title: str, notes: tuple[str, ...] = ()) -> Image:
    """Draw an image beside the same image with a model's labels on it, and the legend below.

    Volumes show three slices through what is labelled; a classification is drawn as bars.

    Parameters
    ----------
    title : str
        First line; who said it and what this is.
    notes : tuple of str
        Further lines, small.
    """
    segmentation = prediction.segmentation if prediction else None
    slices = _choose_slices(image, segmentation)
    rows = [[_sized(slice_rgb(image, k), image) for k in slices]]
    if segmentation is not None:
        overlaid = [_overlaid(slice_rgb(image, k), segmentation, image, k) for k in slices]
        rows = [[*rows[0], *overlaid]] if len(slices) == 1 else [rows[0], overlaid]
    entries: list[Entry] = []
    if segmentation is not None:
        entries += _legend(segmentation)
    if prediction is not None and prediction.classification is not None:
        entries += _scores(prediction.classification)
    if prediction is not None and prediction.regression is not None:
        entries += [Entry(line) for line in prediction.regression.lines]
    return Sheet(title, rows, entries, notes).draw()


def slice_rgb(image: MedImage, k: int) -> RgbArray:
    """One slice (rows, columns, 3) as it is looked at: colours as they are, gray through the window."""
    if image.channel_kind is ChannelKind.COLOUR:
        samples = np.moveaxis(image.data[:, k], 0, -1)
        top = 255.0 if image.data.dtype == np.uint8 else float(samples.max() or 1)
        return np.asarray(np.clip(samples / top * 255, 0, 255), dtype=np.uint8)
    plane = image.data[k] if image.channel_kind is ChannelKind.NONE else image.data[0, k]
    plane = np.asarray(plane, dtype=np.float32)
    low, high = image.window or tuple(np.percentile(plane, [0.5, 99.5]))
    gray = np.clip((plane - low) / max(high - low, 1e-6), 0, 1) * 255
    return np.repeat(gray[..., np.newaxis], 3, axis=-1).astype(np.uint8)


def object_colours(numbers: LabelArray) -> dict[int, Colour]:
    """Give object numbers colours that differ from those of their neighbours in number."""
    golden = 0.618033988749895
    colours = {}
    for number in numbers.tolist():
        red, green, blue = colorsys.hsv_to_rgb((number * golden) % 1.0, 0.75, 1.0)
        colours[number] = (round(red * 255), round(green * 255), round(blue * 255))
    return colours


def _choose_slices(image: MedImage, segmentation: Segmentation | None) -> list[int]:
    n_slices = image.geometry.shape[0]
    if n_slices == 1:
        return [0]
    middle = n_slices // 2
    if segmentation is None:
        return [n_slices // 4, middle, 3 * n_slices // 4]
    labelled = np.flatnonzero((segmentation.labels > 0).any(axis=(1, 2)))
    if not labelled.size:
        return [middle]
    shares = [0.25, 0.5, 0.75] if labelled.size >= _FEW_SLICES else [0.5]
    return sorted({int(labelled[int(share * (labelled.size - 1))]) for share in shares})


def _overlaid(plain: RgbArray, segmentation: Segmentation, image: MedImage, k: int) -> RgbArray:
    labels = segmentation.labels[k]
    base = _sized(plain, image)
    if segmentation.is_instances:
        return _with_objects(base, labels)
    painted = base.astype(np.float32)
    for one in segmentation.schema.foreground:
        share = _FILL * _coverage(labels == one.value, base.shape[:2])[..., np.newaxis]
        painted = painted * (1 - share) + np.array(_parse(one.colour)) * share
    return painted.astype(np.uint8)


def _with_objects(base: RgbArray, labels: LabelArray) -> RgbArray:
    """Colour objects translucently, with one crisp line around each."""
    large = _sized_labels(labels, base.shape[:2])
    edge = _edges(large)
    painted = base.astype(np.float32)
    for number, colour in object_colours(np.unique(labels[labels > 0])).items():
        inside = large == number
        painted[inside] = painted[inside] * (1 - _OBJECT_FILL) + np.array(colour) * _OBJECT_FILL
        painted[inside & edge] = colour
    return painted.astype(np.uint8)


def _coverage(mask: NDArray[np.bool_], shape: tuple[int, ...]) -> NDArray[np.float32]:
    """How much of each pixel of the panel a class covers: thin lines stay visible when they shrink."""
    from PIL import Image

    whole = Image.fromarray(mask.astype(np.uint8) * 255)
    way = Image.Resampling.BOX if shape[0] < mask.shape[0] else Image.Resampling.NEAREST
    return np.asarray(whole.resize((shape[1], shape[0]), way), dtype=np.float32) / np.float32(255)


def _edges(labels: LabelArray) -> NDArray[np.bool_]:
    edge = np.zeros(labels.shape, dtype=bool)
    edge[:-1] |= labels[:-1] != labels[1:]
    edge[1:] |= labels[1:] != labels[:-1]
    edge[:, :-1] |= labels[:, :-1] != labels[:, 1:]
    edge[:, 1:] |= labels[:, 1:] != labels[:, :-1]
    return edge


def _parse(colour: str) -> Colour:
    return (int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16))


def _size(image: MedImage) -> tuple[int, int]:
    """Rows and columns of a panel in which a millimetre is as long downwards as sideways."""
    _, rows, columns = image.geometry.shape
    _, row_step, column_step = image.geometry.spacing
    height, width = rows * row_step, columns * column_step
    factor = (_PANEL_PX if image.is_flat else _SLICE_PX) / max(height, width)
    return max(round(height * factor), 1), max(round(width * factor), 1)


def _sized(rgb: RgbArray, image: MedImage) -> RgbArray:
    from PIL import Image

    rows, columns = _size(image)
    return np.asarray(Image.fromarray(rgb).resize((columns, rows), Image.Resampling.LANCZOS))


def _sized_labels(labels: LabelArray, shape: tuple[int, ...]) -> LabelArray:
    j = np.arange(shape[0]) * labels.shape[0] // shape[0]
    i = np.arange(shape[1]) * labels.shape[1] // shape[1]
    return np.asarray(labels[np.ix_(j, i)])


def _legend(segmentation: Segmentation) -> list[Entry]:
    from napari_medclf.engine.measure import class_volumes, object_sizes

    if segmentation.is_instances:
        objects = object_sizes(segmentation)
        name = segmentation.schema.foreground[0].name
        return [Entry(f"{len(objects)} objects of the class {name}, each in its own colour", BAR)]
    return [
        Entry(
            f"{one.class_name}: {_amount(one.size, one.unit)}", _parse(segmentation.schema.named(one.class_name).colour)
        )
        for one in class_volumes(segmentation)
    ]


def _amount(size: float, unit: str) -> str:
    words = {"ml": "ml", "mm2": "sq. mm", "px": "pixels", "vox": "voxels"}
    return f"{size:,.0f} {words[unit]}" if unit in ("px", "vox") else f"{size:,.2f} {words[unit]}"


def _scores(classification: Classification) -> list[Entry]:
    kind = "calibrated on validation images" if classification.is_calibrated else "scores, not calibrated"
    return [
        Entry(f"{name}: {score:.1%} {'(decided)' if name in classification.decided else ''}".rstrip(), share=score)
        for name, score in classification.scores.items()
    ] + [Entry(f"({kind})")]
