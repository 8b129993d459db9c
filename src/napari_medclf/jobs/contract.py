"""Compare an image with a model's card, and mend what a person wants mended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_medclf.domain.events import Job, Progress

if TYPE_CHECKING:
    from napari_medclf.domain.card import ModelCard
    from napari_medclf.domain.image import MedImage
    from napari_medclf.domain.violation import Violation


def check_image(image: MedImage, card: ModelCard) -> Job[tuple[Violation, ...]]:
    """Say where an image is unlike what a model was made for."""
    from napari_medclf.engine.contract.check import check_contract

    yield Progress(0, 0, f"comparing {image.name} with {card.name}")
    return check_contract(image, card)


def mend_image(image: MedImage, card: ModelCard, violation: Violation) -> Job[MedImage]:
    """Make the image that a person means by a violation's fix; the given one is left alone.

    Raises
    ------
    CardError
        If the violation has no fix, or it does not fit the image.
    """
    from napari_medclf.engine.contract.fixes import apply_fix

    yield Progress(0, 0, f"mending {image.name}")
    return apply_fix(image, card, violation)
