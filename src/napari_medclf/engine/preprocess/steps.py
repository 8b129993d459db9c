"""Take samples through steps on their own grid."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from napari_medclf.domain.arrays import FloatArray
from napari_medclf.domain.events import Job
from napari_medclf.domain.preprocess_step import PreprocessStep
from napari_medclf.domain.step_kinds import StepGroup
from napari_medclf.engine.background import in_background
from napari_medclf.engine.grid.crop import Box
from napari_medclf.engine.preprocess.bias_field import bias_field
from napari_medclf.engine.preprocess.contrast import clahe, equalise, invert, scale
from napari_medclf.engine.preprocess.crop import body_box, foreground_box
from napari_medclf.engine.preprocess.denoise import gaussian, median, non_local_means, total_variation
from napari_medclf.engine.preprocess.voxels import Voxels

_CHANGES: Mapping[str, Callable[[Voxels, PreprocessStep], FloatArray]] = {
    "median": median,
    "gaussian": gaussian,
    "non-local-means": non_local_means,
    "total-variation": total_variation,
    "bias-field": bias_field,
    "clahe": clahe,
    "equalise": equalise,
    "invert": invert,
    "zscore": scale,
    "percentile": scale,
    "window": scale,
}
_BOXES: Mapping[str, Callable[[Voxels, PreprocessStep], Box | None]] = {
    "crop-body": body_box,
    "crop-foreground": foreground_box,
}


@dataclass(frozen=True, eq=False)
class Stepped:
    """Samples after some steps.

    Parameters
    ----------
    data : (C, K, J, I) float32
        Of the box.
    box : three (start, stop)
        What is left of the grid that the steps began with.
    """

    data: FloatArray
    box: Box


def run_steps(voxels: Voxels, steps: Sequence[PreprocessStep]) -> Job[Stepped]:
    """Take samples through steps that keep their grid, or crop it; each on a thread, so that a stop never waits.

    Parameters
    ----------
    voxels : Voxels
        Their data is left alone.

    Raises
    ------
    CardError
        If a step does not fit the image.
    """
    n_rows, n_columns, n_slices = (voxels.data.shape[axis] for axis in (2, 3, 1))
    box: Box = ((0, n_slices), (0, n_rows), (0, n_columns))
    for step in steps:
        if step.name in _BOXES:
            inner = yield from in_background(partial(_BOXES[step.name], voxels, step), f"Step {step.text}")
            if inner is not None:
                voxels, box = _cropped(voxels, inner), shifted(inner, box)
        else:
            data = yield from in_background(partial(_CHANGES[step.name], voxels, step), f"Step {step.text}")
            is_hu = voxels.is_hu and not changes_unit(step)
            voxels = replace(voxels, data=np.ascontiguousarray(data, dtype=np.float32), is_hu=is_hu)
    return Stepped(voxels.data, box)


def changes_unit(step: PreprocessStep) -> bool:
    """Whether samples mean something else afterwards: brightness in place of Hounsfield units."""
    return step.kind.group in (StepGroup.SCALE, StepGroup.CONTRAST, StepGroup.EVEN)


def shifted(inner: Box, outer: Box) -> Box:
    """Say where a box of a box lies in the whole."""
    k, j, i = ((start + begin, stop + begin) for (start, stop), (begin, _) in zip(inner, outer, strict=True))
    return (k, j, i)


def _cropped(voxels: Voxels, box: Box) -> Voxels:
    k, j, i = (slice(*one) for one in box)
    return replace(voxels, data=np.ascontiguousarray(voxels.data[:, k, j, i]))
