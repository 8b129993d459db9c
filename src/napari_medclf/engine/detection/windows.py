"""Find boxes in an image that is larger than the network's window."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import torch
from torch import Tensor

from napari_medclf.domain.arrays import FloatArray
from napari_medclf.domain.errors import CardError, MedclfError
from napari_medclf.domain.events import Job, Progress
from napari_medclf.domain.geometry import Shape3
from napari_medclf.domain.output_spec import OutputSpec
from napari_medclf.engine.background import Worker, wait_for
from napari_medclf.engine.detection.found import Found
from napari_medclf.engine.detection.home import clip_boxes
from napari_medclf.engine.sliding.run_batch import Network, batch_size, run_batch
from napari_medclf.engine.sliding.tiles import list_tiles
from napari_medclf.engine.sliding.window import Window

# Of one window, as RetinaNet's box selectors have it (Lin 2017).
_MOST_OF_A_WINDOW = 1000
_NEAR_VOX = 0.75


def find_boxes(
    data: FloatArray, network: Network, window: Window, device: torch.device, output: OutputSpec
) -> Job[Found]:
    """Run a detector over a whole image.

    Parameters
    ----------
    data : (C, K, J, I) float32
        Padded with zeros behind its end where it is smaller than a window.
    network : callable
        (N, C, *window) to (N, anchors, classes + 2 * dimensions): a score of every class, then the lowest and the
        highest corner as positions in the window (a voxel's centre lies at its index), in the order of its axes.

    Yields
    ------
    Progress
        After every batch of windows, and twice a second; closing the generator there is safe and does not wait for
        the network.

    Returns
    -------
    Found
        On the grid of `data`, cut off at its edges. Neighbouring windows see the same object: the caller merges.

    Raises
    ------
    CardError
        If the network's answer has another shape.
    MedclfError
        If its answer is not finite.
    """
    image = _padded(data, window.tile)
    starts = list_tiles(image.shape[1:], window, axis=0)
    batch = window.batch or batch_size(device, window.tile)
    parts: list[Found] = []
    worker = Worker()
    try:
        for first in range(0, len(starts), batch):
            group = starts[first : first + batch]
            shown = Progress(first, len(starts), "Looking for objects")
            yield shown
            ask = partial(_ask, network, image, group, window, device)
            answers = yield from wait_for(worker.submit(ask), shown)
            _check(answers, len(group), window, output)
            decoded = [_decode(one, start, window, output) for one, start in zip(answers, group, strict=True)]
            parts += [_mark_cut(one, start, window, data.shape[1:]) for one, start in zip(decoded, group, strict=True)]
    finally:
        worker.close()
    found = Found.joined(parts)
    found = replace(found, boxes=clip_boxes(found.boxes, data.shape[1:]))
    return found.take(np.asarray((found.boxes[:, 1] > found.boxes[:, 0]).all(axis=1)))


def _ask(
    network: Network,
    image: FloatArray,
    group: Sequence[Shape3],
    window: Window,
    device: torch.device,
) -> FloatArray:
    return np.asarray(run_batch(network, _stack(image, group, window).to(device)).float().cpu().numpy())


def count_scores(output: OutputSpec) -> int:
    """How many scores a detector gives an anchor: one a class, and one for background beside exclusive classes."""
    return len(output.schema_) + int(_has_background(output))


def _has_background(output: OutputSpec) -> bool:
    return output.activation == "softmax" and output.has_background_channel


def _padded(data: FloatArray, tile: Shape3) -> FloatArray:
    missing = [max(size - have, 0) for size, have in zip(tile, data.shape[1:], strict=True)]
    return np.pad(data, [(0, 0), *((0, n) for n in missing)]) if any(missing) else data


def _stack(image: FloatArray, starts: Sequence[Shape3], window: Window) -> Tensor:
    cuts = [tuple(slice(start, start + n) for start, n in zip(one, window.tile, strict=True)) for one in starts]
    stacked = np.stack([image[(slice(None), *cut)] for cut in cuts]).astype(np.float32, copy=False)
    return torch.from_numpy(stacked.squeeze(2) if window.spatial_dims == 2 else stacked)


def _check(answers: FloatArray, n_windows: int, window: Window, output: OutputSpec) -> None:
    expected = count_scores(output) + 2 * window.spatial_dims
    if answers.ndim != 3 or len(answers) != n_windows or answers.shape[2] != expected:
        raise CardError(
            f"The network answered {answers.shape} to {n_windows} windows, and {expected} numbers a box were expected "
            f"({count_scores(output)} scores and {2 * window.spatial_dims} for the corners)."
        )
    if not np.isfinite(answers).all():
        raise MedclfError(
            "The network answered with numbers that are not finite. The weights are damaged, or the image's values are "
            "far outside of what the model knows."
        )


def _decode(answer: FloatArray, start: Shape3, window: Window, output: OutputSpec) -> Found:
    n_scores = count_scores(output)
    scores = _activated(answer[:, :n_scores].astype(np.float64), output)
    anchors, classes = np.nonzero(scores >= output.smallest_score)
    values = scores[anchors, classes]
    best = np.argsort(-values, kind="stable")[:_MOST_OF_A_WINDOW]
    boxes = _corners(answer[anchors[best], n_scores:].astype(np.float64), window) + np.asarray(start)
    # A corner may pass its opposite where a network is sure of nothing.
    return Found(np.sort(boxes, axis=1), values[best], classes[best])


def _mark_cut(found: Found, start: Shape3, window: Window, shape: Sequence[int]) -> Found:
    """Tell which boxes end where their window does, and the image goes on."""
    first = np.asarray(start) - 0.5
    last = first + window.tile
    is_cut_before = (found.boxes[:, 0] < first + _NEAR_VOX) & (first > 0)
    is_cut_behind = (found.boxes[:, 1] > last - _NEAR_VOX) & (last < np.asarray(shape) - 0.5)
    return replace(found, is_cut=np.asarray((is_cut_before | is_cut_behind).any(axis=1)))


def _activated(scores: FloatArray, output: OutputSpec) -> FloatArray:
    if not output.is_activated:
        scores = scores / output.temperature
        if output.activation == "softmax":
            scores = np.exp(scores - scores.max(axis=1, keepdims=True))
            scores /= scores.sum(axis=1, keepdims=True)
        else:
            scores = 1 / (1 + np.exp(-np.clip(scores, -80, 80)))
    return scores[:, 1:] if _has_background(output) else scores


def _corners(numbers: FloatArray, window: Window) -> FloatArray:
    corners = numbers.reshape(-1, 2, window.spatial_dims)
    if window.spatial_dims == 3:
        return corners
    slices = np.broadcast_to(np.array([-0.5, 0.5])[:, np.newaxis], (len(corners), 2, 1))
    return np.concatenate([slices, corners], axis=2)
