"""Mend an image as a person asked for: what contradicts a model's card and can be believed otherwise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from napari_medclf.domain.arrays import FloatArray, PixelArray
from napari_medclf.domain.card import ModelCard
from napari_medclf.domain.errors import CardError
from napari_medclf.domain.geometry import Geometry, Unit
from napari_medclf.domain.image import ChannelKind, MedImage, Scale
from napari_medclf.domain.input_spec import InputSpec
from napari_medclf.domain.violation import Fix, Violation
from napari_medclf.engine.channels import select_channels
from napari_medclf.engine.contract.looks import HOUNSFIELD_SHIFT

_DIRECTION = {"R": (-1, 0, 0), "L": (1, 0, 0), "A": (0, -1, 0), "P": (0, 1, 0), "I": (0, 0, -1), "S": (0, 0, 1)}
_HIGHEST_OF_BYTES = 255


def apply_fix(image: MedImage, card: ModelCard, violation: Violation) -> MedImage:
    """Make the image that a person means by a violation's fix; the given one is left alone.

    Source and voxel count stay, and so does the place in the patient, but for an image that had none
    (`Fix.SET_SPACING`).

    Raises
    ------
    CardError
        If the violation has no fix, or the fix does not fit the image.
    """
    if violation.fix is None:
        raise CardError(f"Nothing can be changed about this: {violation.sentence}")
    return _FIXES[violation.fix](image, card)


def _invert(image: MedImage, card: ModelCard) -> MedImage:
    data = np.asarray(image.data)
    total = _HIGHEST_OF_BYTES if data.dtype == np.uint8 else data.max() + data.min()
    window = None if image.window is None else (float(total) - image.window[1], float(total) - image.window[0])
    return replace(image, data=np.subtract(data.dtype.type(total), data), window=window)


def _to_gray(image: MedImage, card: ModelCard) -> MedImage:
    if image.channel_kind is not ChannelKind.COLOUR:
        raise CardError(f"{image.name}: has no colours to make gray.")
    one_channel = card.input.model_copy(update={"channels": ("gray",), "channel_intensity": ()})
    samples, _ = select_channels(image, one_channel)
    gray = samples[0] if samples.dtype == image.data.dtype else _rounded(samples[0], image.data.dtype)
    return replace(image, data=gray, channel_kind=ChannelKind.NONE, channel_names=())


def _first_time(image: MedImage, card: ModelCard) -> MedImage:
    is_film = image.channel_kind is ChannelKind.COLOUR_TIME
    if not is_film and image.channel_kind is not ChannelKind.TIME:
        raise CardError(f"{image.name}: is no series of time points.")
    return replace(
        image,
        data=image.data[0],
        channel_kind=ChannelKind.COLOUR if is_film else ChannelKind.NONE,
        channel_names=("red", "green", "blue") if is_film else (),
        channel_values=(),
        channel_unit="",
    )


def _set_modality(image: MedImage, card: ModelCard) -> MedImage:
    return replace(image, modality=card.input.modality[0] if card.input.modality else image.modality)


def _set_spacing(image: MedImage, card: ModelCard) -> MedImage:
    """Lay the array into the patient as the model takes it, so that the network sees what is stored."""
    spacing = card.input.spacing_mm
    if spacing is None or image.geometry.unit is not Unit.PIXEL:
        raise CardError(f"{image.name}: has a scale already, or {card.name} does not ask for one.")
    steps = np.ones(3)
    steps[3 - len(spacing) :] = spacing
    affine = np.eye(4)
    affine[:3, :3] = _directions(card.input) * steps
    return replace(image, geometry=Geometry(affine, image.geometry.shape))


def _directions(spec: InputSpec) -> FloatArray:
    """Unit vectors in LPS, one column an axis of the array: the card's, else axial."""
    codes = spec.axis_codes or "SPL"
    return np.array([_DIRECTION[letter] for letter in codes], dtype=np.float64).T


def _to_hounsfield(image: MedImage, card: ModelCard) -> MedImage:
    data = np.asarray(image.data)
    wide = data if np.issubdtype(data.dtype, np.floating) else data.astype(np.int32)
    low, high = image.window or (0.0, 0.0)
    window = None if image.window is None else (low - HOUNSFIELD_SHIFT, high - HOUNSFIELD_SHIFT)
    shifted = wide - np.asarray(HOUNSFIELD_SHIFT, dtype=wide.dtype)
    return replace(image, data=_narrowed(shifted), scale=Scale.HU, window=window)


def _narrowed(data: PixelArray) -> PixelArray:
    is_small = np.issubdtype(data.dtype, np.integer) and data.min() >= -(2**15) and data.max() < 2**15
    return data.astype(np.int16) if is_small else data


def _rounded(data: PixelArray, dtype: np.dtype) -> PixelArray:
    return np.rint(data).astype(dtype) if np.issubdtype(dtype, np.integer) else data


_FIXES: dict[Fix, Callable[[MedImage, ModelCard], MedImage]] = {
    Fix.INVERT: _invert,
    Fix.TO_GRAY: _to_gray,
    Fix.FIRST_TIME: _first_time,
    Fix.SET_MODALITY: _set_modality,
    Fix.SET_SPACING: _set_spacing,
    Fix.TO_HOUNSFIELD: _to_hounsfield,
}
