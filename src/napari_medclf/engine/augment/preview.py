"""Show what random changes make of an image that a person has open."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import Generator

from napari_medclf.domain.geometry import Shape3
from napari_medclf.domain.image import ChannelKind, MedImage, Scale
from napari_medclf.domain.input_spec import InputSpec, Intensity
from napari_medclf.domain.recipe import AugmentSettings
from napari_medclf.engine.augment.intensity import change_intensity
from napari_medclf.engine.augment.sampler import move_images
from napari_medclf.engine.prepare import prepare

_LONGEST_VOX = {2: 1024, 3: 128}
"""More than this around the middle takes longer than a person likes to wait."""
_COLOURS = ("red", "green", "blue")


def preview(
    image: MedImage, settings: AugmentSettings, seed: int, *, n: int = 6, spec: InputSpec | None = None
) -> tuple[MedImage, ...]:
    """Prepare an image as for training, and change it n times as training would.

    Parameters
    ----------
    seed : int
        The same one gives the same changes.
    spec : InputSpec or None
        Input of the recipe, whose units the settings are in; by default one that suits the image.

    Returns
    -------
    tuple of MedImage
        The image as it was prepared, then n changed ones, with one display window for all. Of a large image the part
        around the middle, and of a volume for a 2D network its middle slice. Their grid is where the part lies before
        it is moved.

    Raises
    ------
    CardError
        If the image does not fit the recipe's input.
    """
    spec = spec or spec_for(image)
    before = _middle_of(image, spec)
    samples = np.asarray(before.data, dtype=np.float32).reshape(len(spec.channels), *before.geometry.shape)
    batch = torch.from_numpy(samples)[None]
    batch = batch if spec.spatial_dims == 3 else batch[:, :, 0]
    generator = Generator().manual_seed(seed)
    changed = []
    for number in range(1, n + 1):
        moved = change_intensity(move_images(batch, settings, generator), settings, generator)
        data = moved.numpy().reshape(before.data.shape)
        changed.append(replace(before, data=data, name=f"{image.name}, change {number}"))
    return (before, *changed)


def _middle_of(image: MedImage, spec: InputSpec) -> MedImage:
    """Prepare an image, and take the part around the middle as an image of its own."""
    prepared = prepare(image, spec)
    box = _middle(prepared.grid.shape, spec.spatial_dims)
    samples = np.ascontiguousarray(prepared.data[(slice(None), *box)])
    start: Shape3 = (box[0].start, box[1].start, box[2].start)
    shape: Shape3 = (samples.shape[1], samples.shape[2], samples.shape[3])
    kind = ChannelKind.COLOUR if spec.channels == _COLOURS else ChannelKind.CHANNEL
    kind = ChannelKind.NONE if len(samples) == 1 else kind
    low, high = float(samples.min()), float(samples.max())
    return MedImage(
        data=samples[0] if kind is ChannelKind.NONE else samples,
        geometry=prepared.grid.model.cropped(start, shape),
        name=f"{image.name}, as prepared",
        modality=image.modality,
        scale=Scale.RAW,
        channel_kind=kind,
        channel_names=spec.channels if kind is ChannelKind.CHANNEL else (),
        window=(low, max(high, low + 1e-6)),
    )


def spec_for(image: MedImage) -> InputSpec:
    """Choose an input that suits an image: colours and bytes by their range, others by mean and deviation."""
    dims = 2 if image.is_flat else 3
    if image.channel_kind is ChannelKind.COLOUR:
        channels: tuple[str, ...] = _COLOURS
    else:
        channels = image.channel_names or tuple(f"channel {number}" for number in range(1, image.n_channels + 1))
    is_byte = image.data.dtype == np.uint8
    intensity = Intensity(kind="range") if is_byte else Intensity(kind="zscore", low=0.5, high=99.5)
    return InputSpec.model_validate(
        {"spatial_dims": dims, "channels": channels, "intensity": intensity, "patch_vox": (1,) * dims}
    )


def _middle(shape: Shape3, spatial_dims: int) -> tuple[slice, slice, slice]:
    longest = [1 if spatial_dims == 2 else _LONGEST_VOX[3], *[_LONGEST_VOX[spatial_dims]] * 2]
    k, j, i = (
        slice((n - min(n, most)) // 2, (n - min(n, most)) // 2 + min(n, most))
        for n, most in zip(shape, longest, strict=True)
    )
    return k, j, i
