"""The jobs behind the page of preparations: they compute on a worker and touch no layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_medclf.bridge.layers import LayerTuple, image_layer
from napari_medclf.domain.arrays import PixelArray
from napari_medclf.domain.events import Job, Progress
from napari_medclf.domain.image import MedImage
from napari_medclf.domain.preprocess_step import PreprocessStep

if TYPE_CHECKING:
    from napari_medclf.domain.input_spec import InputSpec
    from napari_medclf.domain.recipe import AugmentSettings

N_CHANGES = 5
"""With the image as it was prepared before them, they fill two rows of three."""


@dataclass(frozen=True)
class Changed:
    """An image as a network would see it in training: a small picture, and the layer to look at closely."""

    picture: PixelArray
    layer: LayerTuple


def prepared_layer(image: MedImage, steps: Sequence[PreprocessStep]) -> Job[LayerTuple]:
    """Take an image through steps, and describe it for napari.

    Raises
    ------
    OptionError
        If a step needs what the image has not.
    CardError
        If a step does not fit the image.
    """
    from napari_medclf.engine.preprocess.run import preprocess, with_stored_dtype

    yield Progress(0, 0, "loading")
    done = yield from preprocess(image, steps)
    done = with_stored_dtype(done, image, steps)
    data, keywords, kind = image_layer(done)
    return data, {**keywords, "name": prepared_name(image)}, kind


def prepared_name(image: MedImage) -> str:
    """Name the layer of a prepared image."""
    return f"{image.name} · prepared"


def changed_images(
    image: MedImage, settings: AugmentSettings, spec: InputSpec | None, seed: int
) -> Job[tuple[Changed, ...]]:
    """Change an image at random as training would; the first one is as it was prepared.

    Parameters
    ----------
    spec : InputSpec or None
        Input of the recipe; None for one that suits the image.

    Raises
    ------
    CardError
        If the image does not fit the recipe's input.
    """
    from napari_medclf.engine.augment.preview import preview
    from napari_medclf.io.thumbnail import small_picture

    yield Progress(0, 0, "changing the image")
    images = preview(image, settings, seed, n=N_CHANGES, spec=spec)
    return tuple(Changed(small_picture(one), image_layer(one)) for one in images)
