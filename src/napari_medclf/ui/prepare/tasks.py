"""The jobs behind the page of preparations: they compute on a worker and touch no layer."""

from __future__ import annotations

from collections.abc import Sequence

from napari_medclf.bridge.layers import LayerTuple, image_layer
from napari_medclf.domain.events import Job, Progress
from napari_medclf.domain.image import MedImage
from napari_medclf.domain.preprocess_step import PreprocessStep


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
