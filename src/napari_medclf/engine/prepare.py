"""From an image to a network's input; training and use share this one way."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from napari_medclf.domain.arrays import BoolArray, FloatArray, PixelArray
from napari_medclf.domain.errors import CardError
from napari_medclf.domain.events import Job, Progress
from napari_medclf.domain.image import MedImage, Scale
from napari_medclf.domain.input_spec import InputSpec
from napari_medclf.engine.channels import Channels, open_channels
from napari_medclf.engine.grid.crop import Box, square_box
from napari_medclf.engine.grid.grid_map import GridMap
from napari_medclf.engine.grid.plan import map_grid
from napari_medclf.engine.intensity import needs_statistics, scale_channels, value_limits
from napari_medclf.engine.preprocess.before import from_original, take_steps
from napari_medclf.engine.slabs import ToModelGrid, read_all
from napari_medclf.engine.sliding.air import AIR_HU, find_body

__all__ = ["GridMap", "Prepared", "prepare", "prepare_by_slabs"]

_MESSAGE = "Preparing the image"


@dataclass(frozen=True, eq=False)
class Prepared:
    """What a network takes.

    Parameters
    ----------
    data : (C, K, J, I) float32
        Contiguous, on the model grid, scaled; not padded. For a 2D network every slice is an input.
    grid : GridMap
        The way home.
    warnings : tuple of str
        What had to be guessed or changed, as sentences.
    body : (K, J, I) bool or None
        Where a CT is not only air, as `sliding.air.find_body`; None where that was not asked for or is not known.
    """

    data: FloatArray
    grid: GridMap
    warnings: tuple[str, ...] = ()
    body: BoolArray | None = None


def prepare(image: MedImage, spec: InputSpec) -> Prepared:
    """Turn, match channels, resample and scale an image as the card says; the image is left alone.

    Raises
    ------
    CardError
        If the channels do not fit, no sample is a finite number, or the card contradicts itself.
    """
    job = prepare_by_slabs(image, spec)
    while True:
        try:
            next(job)
        except StopIteration as end:
            found: Prepared = end.value
            return found


def prepare_by_slabs(image: MedImage, spec: InputSpec, *, is_air_skipped: bool = False) -> Job[Prepared]:
    """Do what `prepare` does, reading the image slab by slab.

    Yields
    ------
    Progress
        After every slab.

    Notes
    -----
    The image is never in memory as a whole in single precision, unless `is_read_whole` says so.
    """
    channels = open_channels(image, spec)
    limits, range_warning = _limits(image, spec)
    finite, finite_warning = yield from _find_smallest_finite(channels)
    warnings = tuple(one for one in (channels.warning, range_warning, finite_warning) if one)
    left, box = image, None
    if spec.steps:
        before = yield from take_steps(image, channels, spec, lambda samples: _to_float(samples, finite))
        left, box = before.image, before.box
        channels = open_channels(left, spec)
    data, grid, body = yield from _to_model(left, channels, spec, limits, finite, is_air_skipped=is_air_skipped)
    grid = grid if box is None else from_original(grid, image.geometry, box)
    return Prepared(data, grid, warnings, body)


def _to_model(
    image: MedImage,
    channels: Channels,
    spec: InputSpec,
    limits: tuple[float, float],
    finite: float | None,
    *,
    is_air_skipped: bool,
) -> Job[tuple[FloatArray, GridMap, BoolArray | None]]:
    """Crop, turn, resample and scale: the samples of the model's grid, the way home, and where a body is."""
    box: Box | None = None
    if spec.crop == "nonzero":
        box = yield from _find_box(channels)
    elif spec.crop == "square":
        box = square_box(channels.shape[1:])
    grid = map_grid(image.geometry, spec, box)
    forward = _forward_whole if is_read_whole(spec, grid) else _forward_by_slabs
    data = yield from forward(channels, grid, spec, limits, finite)
    body = None
    if not spec.is_normalised_first:
        if is_air_skipped and image.scale is Scale.HU:
            body = find_body(data[0] > AIR_HU, float(np.prod(grid.model.spacing)))
        scale_channels(data, spec, limits)
    return data, grid, body


def is_read_whole(spec: InputSpec, grid: GridMap) -> bool:
    """Whether an image must be in memory as a whole, in single precision, to be prepared."""
    is_measured_first = spec.is_normalised_first and needs_statistics(spec)
    return bool(spec.steps) or is_measured_first or grid.upright is not None or grid.resampling == "cubic"


def _forward_by_slabs(
    channels: Channels, grid: GridMap, spec: InputSpec, limits: tuple[float, float], finite: float | None
) -> Job[FloatArray]:
    """Bring an image to the model grid as it is read."""
    to_model = ToModelGrid(grid, channels.shape[0])
    for first, samples in channels:
        slab = _to_float(samples, finite)
        if spec.is_normalised_first:
            scale_channels(slab, spec, limits)
        to_model.add(first, slab)
        yield Progress(first + samples.shape[1], channels.shape[1], _MESSAGE)
    return to_model.finish()


def _forward_whole(
    channels: Channels, grid: GridMap, spec: InputSpec, limits: tuple[float, float], finite: float | None
) -> Job[FloatArray]:
    """Bring an image to the model grid that has to be in memory as a whole for that."""
    source = yield from read_all(channels, grid.cropped, lambda samples: _to_float(samples, finite), _MESSAGE)
    if spec.is_normalised_first:
        scale_channels(source, spec, limits)
    return np.ascontiguousarray(grid.forward_cropped(source), dtype=np.float32)


def _limits(image: MedImage, spec: InputSpec) -> tuple[tuple[float, float], str]:
    """Lowest and highest value that the samples may have, where the card asks for that, and a warning."""
    kinds = {one.kind for one in (spec.intensity, *spec.channel_intensity, *spec.then)}
    if "stored" in kinds and image.limits is not None:
        return image.limits, ""
    return value_limits(image) if kinds & {"range", "stored"} else ((0.0, 1.0), "")


def _to_float(samples: PixelArray, finite: float | None) -> FloatArray:
    """Copy samples to float32; what is no finite number becomes `finite`, where there is any such."""
    slab = samples.astype(np.float32, order="C", copy=True)
    if finite is not None:
        slab[~np.isfinite(slab)] = finite
    return slab


def _find_smallest_finite(channels: Channels) -> Job[tuple[float | None, str]]:
    """Find the smallest finite sample where some are not finite; None where all are. And a warning, or nothing."""
    if not np.issubdtype(channels.dtype, np.floating):
        return None, ""
    smallest, n_bad, n_samples = np.inf, 0, 0
    for first, samples in channels:
        is_finite = np.isfinite(samples)
        n_samples += samples.size
        n_bad += samples.size - int(np.count_nonzero(is_finite))
        smallest = min(smallest, float(np.min(samples, where=is_finite, initial=np.inf)))
        yield Progress(first, channels.shape[1], _MESSAGE)
    if n_bad == 0:
        return None, ""
    if n_bad == n_samples:
        raise CardError("None of the image's samples is a finite number, so that there is nothing to look at.")
    return smallest, f"{n_bad} of {n_samples} samples are not finite numbers; they were set to the smallest one."


def _find_box(channels: Channels) -> Job[Box | None]:
    """Find the box of what is not zero; None where that is the whole image, or nothing is there."""
    shape = channels.shape[1:]
    is_there = [np.zeros(n, dtype=bool) for n in shape]
    for first, samples in channels:
        marks = (samples != 0).any(axis=0)
        is_there[0][first : first + len(marks)] = marks.any(axis=(1, 2))
        is_there[1] |= marks.any(axis=(0, 2))
        is_there[2] |= marks.any(axis=(0, 1))
        yield Progress(first, shape[0], _MESSAGE)
    if not is_there[0].any():
        return None
    ends = [(int(np.argmax(one)), len(one) - int(np.argmax(one[::-1]))) for one in is_there]
    box: Box = (ends[0], ends[1], ends[2])
    return None if all((0, n) == end for n, end in zip(shape, ends, strict=True)) else box
