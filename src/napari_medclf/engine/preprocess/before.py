"""Take the steps of a model's input, before its grid and its scale."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from napari_medclf.domain.arrays import FloatArray, PixelArray
from napari_medclf.domain.events import Job
from napari_medclf.domain.geometry import Geometry
from napari_medclf.domain.image import ChannelKind, MedImage, Scale
from napari_medclf.domain.input_spec import InputSpec
from napari_medclf.engine.channels import Channels
from napari_medclf.engine.grid.crop import Box, crop_geometry
from napari_medclf.engine.grid.grid_map import GridMap
from napari_medclf.engine.preprocess.steps import changes_unit, run_steps, shifted
from napari_medclf.engine.preprocess.voxels import Voxels
from napari_medclf.engine.slabs import read_all


@dataclass(frozen=True, eq=False)
class Before:
    """An image after the steps of a model.

    Parameters
    ----------
    image : MedImage
        With the model's channels, float32; cropped where a step crops.
    box : three (start, stop)
        What is left of the original's grid.
    """

    image: MedImage
    box: Box


def take_steps(
    image: MedImage, channels: Channels, spec: InputSpec, convert: Callable[[PixelArray], FloatArray]
) -> Job[Before]:
    """Take an image through the steps of a model.

    Parameters
    ----------
    channels : Channels
        Of the image, as the model wants them.
    convert : callable
        Brings samples to float32.

    Raises
    ------
    CardError
        If a step does not fit the image.
    """
    whole = (slice(0, channels.shape[1]), slice(0, channels.shape[2]), slice(0, channels.shape[3]))
    data = yield from read_all(channels, whole, convert, "Reading the image")
    voxels = Voxels(
        data,
        image.geometry.spacing,
        spec.spatial_dims == 2 or image.is_flat,
        is_colour=image.channel_kind is ChannelKind.COLOUR and len(spec.channels) == 3,
        is_hu=image.scale is Scale.HU,
    )
    stepped = yield from run_steps(voxels, spec.steps)
    done = MedImage(
        data=stepped.data,
        geometry=crop_geometry(image.geometry, stepped.box),
        name=image.name,
        modality=image.modality,
        scale=Scale.RAW if any(changes_unit(step) for step in spec.steps) else image.scale,
        channel_kind=ChannelKind.CHANNEL,
        channel_names=spec.channels,
    )
    return Before(done, stepped.box)


def from_original(grid: GridMap, original: Geometry, box: Box) -> GridMap:
    """Give the way from the original's grid to the model's, where `grid` is that from a box of it."""
    inner: Box = grid.crop or ((0, grid.source.shape[0]), (0, grid.source.shape[1]), (0, grid.source.shape[2]))
    crop = shifted(inner, box)
    is_whole = all(one == (0, n) for one, n in zip(crop, original.shape, strict=True))
    return replace(grid, source=original, crop=None if is_whole else crop)
