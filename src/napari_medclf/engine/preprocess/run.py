"""Take an image through the steps that a person chose, and know where it lies afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from napari_medclf.domain.arrays import FloatArray, PixelArray
from napari_medclf.domain.errors import OptionError
from napari_medclf.domain.events import Job
from napari_medclf.domain.geometry import Geometry, Shape3, Unit
from napari_medclf.domain.image import ChannelKind, MedImage, Scale
from napari_medclf.domain.input_spec import InputSpec, Intensity
from napari_medclf.domain.preprocess_step import PreprocessStep
from napari_medclf.domain.step_kinds import StepGroup
from napari_medclf.engine.channels import open_channels
from napari_medclf.engine.grid.crop import crop_geometry
from napari_medclf.engine.grid.plan import map_grid
from napari_medclf.engine.preprocess.steps import changes_unit, run_steps
from napari_medclf.engine.preprocess.voxels import Voxels

_COLOURS = ("red", "green", "blue")


def preprocess(image: MedImage, steps: Sequence[PreprocessStep], *, is_slicewise: bool = False) -> Job[MedImage]:
    """Take an image through steps; each is the one that a model with this step makes.

    Parameters
    ----------
    is_slicewise : bool
        Treat slices apart, as a 2D network sees them; pictures always are.

    Returns
    -------
    MedImage
        With its own geometry: the voxels that are left lie where they lay. Whole numbers stay such where the unit
        does.

    Raises
    ------
    OptionError
        If a step needs millimetres and the image has none.
    CardError
        If a step does not fit the image, or it is a film.
    """
    image = _as_float(image)
    done = image
    for step in steps:
        if step.kind.group is StepGroup.GRID:
            done = _on_other_grid(done, step)
            continue
        voxels = Voxels(
            _with_channels(done),
            done.geometry.spacing,
            is_slicewise or done.is_flat,
            is_colour=done.channel_kind is ChannelKind.COLOUR,
            is_hu=done.scale is Scale.HU,
        )
        stepped = yield from run_steps(voxels, [step])
        scale = Scale.RAW if changes_unit(step) and done.scale is Scale.HU else done.scale
        done = _replaced(replace(done, scale=scale), stepped.data, crop_geometry(done.geometry, stepped.box))
    return done


def with_stored_dtype(done: MedImage, before: MedImage, steps: Sequence[PreprocessStep]) -> MedImage:
    """Round samples to the whole numbers that they were stored as, where no step gave them another unit."""
    dtype: np.dtype[Any] = before.data.dtype
    if not np.issubdtype(dtype, np.integer) or any(step.kind.group is StepGroup.SCALE for step in steps):
        return done
    limits = np.iinfo(dtype)
    return replace(done, data=np.clip(np.rint(done.data), limits.min, limits.max).astype(dtype))


def _as_float(image: MedImage) -> MedImage:
    """Read all samples as float32; what is no finite number becomes the smallest one."""
    n = image.n_channels
    is_colour = image.channel_kind is ChannelKind.COLOUR
    names = _COLOURS if is_colour else (image.channel_names or tuple(f"channel {one}" for one in range(1, n + 1)))
    spec = InputSpec(spatial_dims=2, channels=names, intensity=Intensity(kind="none"), patch_vox=(1, 1))
    channels = open_channels(image, spec)
    data = channels.read(0, channels.shape[1]).astype(np.float32)
    is_finite = np.isfinite(data)
    if not is_finite.all():
        data[~is_finite] = data[is_finite].min(initial=np.inf) if is_finite.any() else 0.0
    return _replaced(image, data, image.geometry)


def _replaced(image: MedImage, data: PixelArray, geometry: Geometry) -> MedImage:
    samples = data[0] if image.channel_kind is ChannelKind.NONE else data
    source = replace(image.source, digest="")
    return replace(image, data=samples, geometry=geometry, window=None, limits=None, source=source)


def _with_channels(image: MedImage) -> FloatArray:
    data = np.asarray(image.data, dtype=np.float32)
    return data[np.newaxis] if image.channel_kind is ChannelKind.NONE else data


def _on_other_grid(image: MedImage, step: PreprocessStep) -> MedImage:
    if step.name == "pad":
        return _padded(image, int(step.number("multiple_vox")))
    n_axes = 2 if image.is_flat else 3
    grid: dict[str, tuple[float, ...]] = {}
    if step.name == "resample":
        if image.geometry.unit is not Unit.MILLIMETRE:
            raise OptionError(f"{image.name}: a picture without millimetres cannot be resampled to some. Use resize.")
        grid["spacing_mm"] = step.numbers("spacing_mm", n_axes)
    else:
        grid["resize_to"] = step.numbers("size_vox", n_axes)
    spec = InputSpec.model_validate(
        {
            "spatial_dims": n_axes,
            "channels": ("any",),
            "intensity": Intensity(kind="none"),
            "patch_vox": (1,) * n_axes,
            **grid,
        }
    )
    way = map_grid(image.geometry, spec)
    return _replaced(image, way.forward(_with_channels(image)), way.model)


def _padded(image: MedImage, multiple_vox: int) -> MedImage:
    shape = image.geometry.shape
    missing = [0 if image.is_flat and axis == 0 else -n % multiple_vox for axis, n in enumerate(shape)]
    before = [n // 2 for n in missing]
    data = _with_channels(image)
    margins = [(0, 0), *((first, n - first) for first, n in zip(before, missing, strict=True))]
    start: Shape3 = (-before[0], -before[1], -before[2])
    padded: Shape3 = (shape[0] + missing[0], shape[1] + missing[1], shape[2] + missing[2])
    lowest = float(data.min())
    samples = np.pad(data, margins, constant_values=lowest)
    return _replaced(image, samples, image.geometry.cropped(start, padded))
