"""Label the slice that a person looks at before the rest of the image."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from torch import Tensor

from napari_medclf.domain.events import Job, Previewed
from napari_medclf.domain.geometry import Shape3
from napari_medclf.engine.answers.inference import Inference
from napari_medclf.engine.answers.labels_home import LabelsHome
from napari_medclf.engine.grid.axis_map import AxisMap
from napari_medclf.engine.grid.crop import crop_geometry
from napari_medclf.engine.grid.grid_map import GridMap
from napari_medclf.engine.restore.members import MeanOfMembers
from napari_medclf.engine.restore.sink import Sink
from napari_medclf.engine.sliding.slide import slide
from napari_medclf.engine.sliding.streaming import Streaming

Asked = dict[Shape3, Tensor]
"""Answers of windows, by their first voxel on the padded model grid."""


def preview_slice(inference: Inference, asked: Asked) -> Job[None]:
    """Label the slice of `RunSettings.focus`, where there is one, and tell it as `Previewed`.

    Parameters
    ----------
    asked : dict
        Gets the windows' answers, so that they need not be asked again; where the plan has no room for them, nothing.
    """
    card, settings = inference.card, inference.settings
    found = None if settings.focus is None else at_slice(inference.prepared.grid, *settings.focus)
    if found is None or settings.focus is None:
        return
    grid, axis, planes = found
    home = LabelsHome(grid, card, axis)
    sink: Sink = _Shifted(home, planes[0])
    if card.output.n_members > 1:
        sink = MeanOfMembers(sink, card.output.n_members, is_half=card.input.tiling == "nnunet")
    has_room = inference.plan is None or inference.plan.has_room_for_preview
    streaming = Streaming(axis=axis, planes=planes, keep=asked if has_room else None)
    yield from slide(inference.prepared.data, inference.network, inference.window, inference.device, sink, streaming)
    focus_axis, index = settings.focus
    labels = np.take(home.finish(), 0, axis=focus_axis)
    # Small objects are removed, and the largest chosen, when all of them are known.
    is_final = card.output.min_object_vox <= 1 and not card.output.largest_only
    yield Previewed(focus_axis, index, labels, is_final)


def at_slice(grid: GridMap, axis: int, index: int) -> tuple[GridMap, int, tuple[int, int]] | None:
    """Plan the way home of one slice of the source grid.

    Returns
    -------
    grid map, model axis, (first, last) plane of the model grid; or None
        The map of these planes to the slice alone. None where the slice is outside of the crop, or leans.
    """
    start, stop = grid.cropped[axis].start, grid.cropped[axis].stop
    if grid.upright is not None or not start <= index < stop:
        return None
    model_axis = grid.order.index(axis)
    whole = grid.axes[model_axis]
    position = stop - 1 - index if grid.flips[model_axis] else index - start
    middle, reach = (position - whole.offset) / whole.step, max(1.0, 1 / whole.step)
    first = min(max(math.floor(middle - reach), 0), whole.n_model - 1)
    last = max(min(math.ceil(middle + reach) + 1, whole.n_model), first + 1)
    one = AxisMap(1, last - first, whole.step, whole.offset + whole.step * first - position)
    axes = list(grid.axes)
    axes[model_axis] = one
    box = [(0, n) for n in grid.source.shape]
    box[axis] = (index, index + 1)
    crop = None
    if grid.crop is not None:
        ends = list(grid.crop)
        ends[axis] = (0, 1)
        crop = (ends[0], ends[1], ends[2])
    source = crop_geometry(grid.source, (box[0], box[1], box[2]))
    part = replace(grid, source=source, axes=(axes[0], axes[1], axes[2]), crop=crop)
    return part, model_axis, (first, last)


class _Shifted:
    """A sink before another one, whose planes are counted from another start."""

    def __init__(self, sink: Sink, start: int) -> None:
        self._sink, self._start = sink, start

    def take(self, start: int, logits: np.ndarray) -> None:
        self._sink.take(start - self._start, logits)
