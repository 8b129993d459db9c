"""Wrong labels on right images, for ``triage_planted.py``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation, binary_erosion, distance_transform_edt, gaussian_filter, label

from napari_medclf.domain.image import MedImage
from napari_medclf.domain.results import Prediction, Segmentation

Labels = NDArray[np.integer]


@dataclass(frozen=True, eq=False)
class Answered:
    """A usual case and what the model, or an expert, said about it."""

    name: str
    image: MedImage
    said: Prediction


def gross_failures(position: int, cases: Sequence[Answered]) -> Iterator[tuple[str, Prediction]]:
    """Plant what nobody would call an answer to this image; the model's own doubt about it stays.

    Parameters
    ----------
    position : int
        Of the case among the usual ones.
    """
    case = cases[position]
    right = case.said.segmentation
    if right is None or not right.labels.any():
        return
    labels, put = right.labels, _putter(case)
    yield "empty answer", put(np.zeros_like(labels))
    axis = _axis(labels, position)
    yield f"answer flipped along axis {axis}", put(np.flip(labels, axis))
    yield "answer shifted by a third", put(np.roll(labels, [n // 3 for n in labels.shape], (0, 1, 2)))
    if right.is_instances:
        others = [one.labels for one in _segmentations(cases) if one.labels.shape == labels.shape]
        if len(others) > 1:
            yield "answer of another image", put(others[(position + 1) % len(others)])
    else:
        sign, where = ((1, "brightest"), (-1, "darkest"))[position % 2]
        yield f"answer on the {where} part (wrong organ)", put(_extreme_part(case.image, labels, sign))


def subtle_failures(position: int, cases: Sequence[Answered]) -> Iterator[tuple[str, Prediction]]:
    """Plant answers that lie about where they should, and are wrong all the same."""
    case = cases[position]
    right = case.said.segmentation
    if right is None or not right.labels.any():
        return
    labels, put = right.labels, _putter(case)
    axis = _axis(labels, position)
    yield "shifted by half the organ", put(np.roll(labels, _half_of(right, axis), axis))
    yield "only one side", put(_one_side(labels, axis))
    width = 1 if labels.shape[0] > 1 else 2
    yield "too large, as of a low threshold", put(_grown(labels, width))
    yield "too small, as of a high threshold", put(labels * _eroded(labels, width))
    if not right.is_instances:
        others = _segmentations(cases)
        yield "answer of another patient", put(_laid_over(others[(position + 1) % len(others)].labels, labels.shape))


def _putter(case: Answered) -> Callable[[Labels], Prediction]:
    right = case.said.segmentation
    assert right is not None

    def put(labels: Labels) -> Prediction:
        exchanged = replace(right, labels=np.ascontiguousarray(labels.astype(right.labels.dtype)))
        return replace(case.said, segmentation=exchanged)

    return put


def _segmentations(cases: Sequence[Answered]) -> list[Segmentation]:
    return [one.said.segmentation for one in cases if one.said.segmentation is not None]


def _axis(labels: Labels, position: int) -> int:
    axes = [axis for axis in range(3) if labels.shape[axis] > 1]
    return axes[position % len(axes)]


def _half_of(right: Segmentation, axis: int) -> int:
    """Half the extent of all labels along an axis; of objects, half the diameter of a usual one; of vessels, theirs."""
    labels = right.labels
    if right.is_instances:
        sizes = np.bincount(labels.ravel())[1:]
        return max(round(float(np.sqrt(np.median(sizes[sizes > 0]) / np.pi))), 1)
    if labels.shape[0] == 1:  # vessels run through the whole picture: their own width is what counts
        return max(round(4 * float(distance_transform_edt(labels > 0)[labels > 0].mean())), 2)
    places = np.flatnonzero((labels > 0).any(axis=tuple({0, 1, 2} - {axis})))
    return int(places[-1] - places[0] + 1) // 2


def _one_side(labels: Labels, axis: int) -> Labels:
    """Leave what lies before the middle of all labels along an axis."""
    middle = int(np.median(np.nonzero(labels)[axis]))
    kept = [slice(None)] * 3
    kept[axis] = slice(0, middle)
    found = np.zeros_like(labels)
    found[tuple(kept)] = labels[tuple(kept)]
    return found


def _grown(labels: Labels, width: int) -> Labels:
    """Give every voxel so near to a label the nearest one."""
    nearest = distance_transform_edt(labels == 0, return_distances=False, return_indices=True)
    return np.asarray(labels[tuple(nearest)] * binary_dilation(labels > 0, iterations=width))


def _eroded(labels: Labels, width: int) -> NDArray[np.bool_]:
    """Tell which labelled voxels are not so near to the border of what is labelled; a picture has no third axis."""
    shape = (1, 3, 3) if labels.shape[0] == 1 else (3, 3, 3)
    return np.asarray(binary_erosion(labels > 0, np.ones(shape), iterations=width))


def _laid_over(labels: Labels, shape: tuple[int, ...]) -> Labels:
    """Put labels into the middle of another grid; what stands over is cut off."""
    found = np.zeros(shape, dtype=labels.dtype)
    spans = [min(n, m) for n, m in zip(labels.shape, shape, strict=True)]
    starts = [((n - w) // 2, (m - w) // 2) for n, m, w in zip(labels.shape, shape, spans, strict=True)]
    into = tuple(slice(b, b + w) for (_, b), w in zip(starts, spans, strict=True))
    found[into] = labels[tuple(slice(a, a + w) for (a, _), w in zip(starts, spans, strict=True))]
    return found


def _extreme_part(image: MedImage, labels: Labels, sign: int) -> Labels:
    """As many voxels as were labelled, where the image is brightest (or darkest), in one class."""
    samples = np.asarray(image.data, dtype=np.float32)
    smooth = sign * gaussian_filter(samples.reshape(-1, *labels.shape).mean(axis=0), 1.5)
    threshold = np.sort(smooth, axis=None)[-max(int(np.count_nonzero(labels)), 20)]
    parts, _ = label(smooth >= threshold)
    return np.asarray(parts > 0).astype(labels.dtype)
