"""Compare an image with what a model was made for."""

from __future__ import annotations

from napari_medclf.domain.card import ModelCard
from napari_medclf.domain.geometry import Unit
from napari_medclf.domain.image import MedImage

# Coarser than this times the model's spacing, resampling invents what was never seen.
_COARSE_FACTOR = 2.0


def check_contract(image: MedImage, card: ModelCard) -> tuple[str, ...]:
    """Say in sentences where an image is unlike what the model was trained on; empty if nowhere."""
    found = (_check_modality(image, card), _check_dimensions(image, card), _check_spacing(image, card))
    return tuple(sentence for sentence in found if sentence)


def _check_modality(image: MedImage, card: ModelCard) -> str:
    wanted = card.input.modality
    if not wanted or not image.modality or image.modality in wanted:
        return ""
    return f"The image is {image.modality}, but {card.name} was made for {' or '.join(wanted)}."


def _check_dimensions(image: MedImage, card: ModelCard) -> str:
    if card.input.spatial_dims == 3 and image.is_flat:
        return f"The image has one slice, but {card.name} was made for volumes."
    if card.input.spatial_dims == 2 and not image.is_flat:
        return f"{card.name} sees the {image.geometry.shape[0]} slices one by one."
    return ""


def _check_spacing(image: MedImage, card: ModelCard) -> str:
    wanted = card.input.spacing_mm
    if wanted is None or image.geometry.unit is Unit.PIXEL:
        return ""
    # Axes are compared sorted: the model may want them in another order.
    have = sorted(image.geometry.spacing[3 - len(wanted) :])
    if all(step <= _COARSE_FACTOR * limit for step, limit in zip(have, sorted(wanted), strict=True)):
        return ""
    return (
        f"The image has steps of {_join(image.geometry.spacing)} mm, much coarser than the {_join(wanted)} mm that "
        f"{card.name} was made for."
    )


def _join(values: tuple[float, ...]) -> str:
    return " x ".join(f"{value:.3g}" for value in values)
