"""Compare an image with what a model was made for, clause by clause."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from napari_medclf.domain.card import ModelCard
from napari_medclf.domain.errors import CardError
from napari_medclf.domain.geometry import Unit
from napari_medclf.domain.image import ChannelKind, MedImage, Scale
from napari_medclf.domain.violation import Fix, Violation
from napari_medclf.engine.channels import select_channels
from napari_medclf.engine.contract import looks

# Coarser than this times the model's spacing, resampling invents what was never seen.
_COARSE_FACTOR = 2.0
_XRAYS = frozenset({"CR", "DX", "RG", "XR"})
"""DICOM codes of projection radiographs (mammograms, which look otherwise, left out)."""


def check_contract(image: MedImage, card: ModelCard) -> tuple[Violation, ...]:
    """Say where an image is unlike what the model was made for, one sentence a clause; empty if nowhere.

    Samples are looked at in a thinned-out copy, so that this takes milliseconds; of an image that is read on demand
    they are not looked at.
    """
    checks = (_check_modality, _check_dimensions, _check_channels, _check_spacing, _check_orientation)
    looking = () if image.is_lazy else (_check_likeness, _check_window, _check_photometric)
    return tuple(itertools.chain.from_iterable(check(image, card) for check in (*checks, *looking)))


def _check_modality(image: MedImage, card: ModelCard) -> Iterator[Violation]:
    wanted = card.input.modality
    if wanted and image.modality and image.modality not in wanted:
        yield Violation(
            "modality",
            f"The image is {image.modality}, but {card.name} was made for {' or '.join(wanted)}.",
            Fix.SET_MODALITY,
            f"It is {wanted[0]}",
        )


def _check_likeness(image: MedImage, card: ModelCard) -> Iterator[Violation]:
    """Look at volumes of files that do not tell what they hold, such as NIfTI."""
    wanted = card.input.modality
    is_unsaid = not image.modality and not image.is_flat and image.channel_kind is ChannelKind.NONE
    if wanted and "CT" not in wanted and is_unsaid and looks.is_hounsfield(looks.thin_out(image)):
        yield Violation(
            "modality",
            f"The samples look like Hounsfield units of a CT, but {card.name} was made for {' or '.join(wanted)}.",
            Fix.SET_MODALITY,
            f"It is {wanted[0]}",
        )


def _check_dimensions(image: MedImage, card: ModelCard) -> Iterator[Violation]:
    if card.input.spatial_dims == 3 and image.is_flat:
        yield Violation("dimensions", f"The image has one slice, but {card.name} was made for volumes.")
    if card.input.spatial_dims == 2 and not image.is_flat:
        yield Violation("dimensions", f"{card.name} sees the {image.geometry.shape[0]} slices one by one.")


def _check_channels(image: MedImage, card: ModelCard) -> Iterator[Violation]:
    wanted, named = card.input.channels, image.channel_names
    if image.channel_kind in (ChannelKind.TIME, ChannelKind.COLOUR_TIME):
        n_times = image.data.shape[0]
        sentence = f"The image has {n_times} time points, and {card.name} takes one."
        yield Violation("channels", sentence, Fix.FIRST_TIME, "Take the first time point")
        return
    try:
        _, sentence = select_channels(_thinned(image), card.input)
    except CardError as error:
        yield Violation("channels", str(error), *_gray_fix(image, card))
        return
    if sentence:
        yield Violation("channels", sentence, *_gray_fix(image, card))
    elif len(wanted) > 1 and named and not set(wanted) <= set(named):
        listed = ", ".join(named)
        yield Violation("channels", f"The channels {listed} were taken in this order for {', '.join(wanted)}.")


def _gray_fix(image: MedImage, card: ModelCard) -> tuple[Fix | None, str]:
    can_be_gray = image.channel_kind is ChannelKind.COLOUR and len(card.input.channels) == 1
    return (Fix.TO_GRAY, "Make it gray") if can_be_gray else (None, "")


def _check_spacing(image: MedImage, card: ModelCard) -> Iterator[Violation]:
    wanted = card.input.spacing_mm
    if wanted is None:
        return
    if image.geometry.unit is Unit.PIXEL:
        sentence = f"The image carries no scale, but {card.name} was made for {_join(wanted)} mm: sizes may not fit."
        yield Violation("spacing", sentence, Fix.SET_SPACING, f"It is {_join(wanted)} mm")
        return
    # Axes are compared sorted: the model may want them in another order.
    have = sorted(image.geometry.spacing[3 - len(wanted) :])
    if any(step > _COARSE_FACTOR * limit for step, limit in zip(have, sorted(wanted), strict=True)):
        yield Violation(
            "spacing",
            f"The image has steps of {_join(image.geometry.spacing)} mm, much coarser than the {_join(wanted)} mm that "
            f"{card.name} was made for.",
        )


def _check_orientation(image: MedImage, card: ModelCard) -> Iterator[Violation]:
    codes = card.input.axis_codes
    if codes is not None and card.input.spatial_dims == 3 and image.geometry.unit is Unit.PIXEL and not image.is_flat:
        yield Violation(
            "orientation",
            f"The image does not tell how it lies in the patient, and {card.name} needs its axes to grow towards "
            f"{codes}: it was taken as it is stored.",
        )


def _check_window(image: MedImage, card: ModelCard) -> Iterator[Violation]:
    is_in_hounsfield = card.input.modality == ("CT",) and card.input.intensity.kind in ("window", "clip")
    if not is_in_hounsfield or image.modality not in ("", "CT"):
        return
    samples = looks.thin_out(image)
    if looks.is_shifted_hounsfield(samples):
        sentence = f"The samples look like Hounsfield units with 1024 added, but {card.name} needs Hounsfield units."
        yield Violation("window", sentence, Fix.TO_HOUNSFIELD, "Take 1024 off")
    elif image.scale is Scale.DISPLAY or looks.is_made_for_screens(samples):
        low, high = float(samples.min()), float(samples.max())
        yield Violation(
            "window",
            f"The samples go from {low:g} to {high:g} as in a picture made for the screen, but {card.name} needs "
            "Hounsfield units.",
        )


def _check_photometric(image: MedImage, card: ModelCard) -> Iterator[Violation]:
    is_for_xrays = bool(card.input.modality) and set(card.input.modality) <= _XRAYS
    is_possible = image.is_flat and image.modality in ("", "OT", "SC", *_XRAYS)
    if not (is_for_xrays and is_possible) or image.channel_kind not in (ChannelKind.NONE, ChannelKind.COLOUR):
        return
    samples = looks.thin_out(image)
    picture = samples.mean(axis=0)[0] if samples.ndim == 4 else samples[0]
    if looks.is_inverted_xray(picture):
        sentence = f"The X-ray looks inverted (air is bright), but {card.name} was made for dark air."
        yield Violation("photometric", sentence, Fix.INVERT, "Invert the image")


def _thinned(image: MedImage) -> MedImage:
    """Make a small image with the same channels, to ask what would be done with it."""
    data = np.asarray(looks.thin_out(image)) if not image.is_lazy else np.zeros((*image.data.shape[:-3], 1, 1, 1))
    return replace(image, data=data, geometry=image.geometry.resampled(data.shape[-3:]))


def _join(values: tuple[float, ...]) -> str:
    return " x ".join(f"{value:.3g}" for value in values)
