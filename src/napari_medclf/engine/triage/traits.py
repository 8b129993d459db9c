"""Describe an answer and its image in numbers that can be compared with those of other cases."""

from __future__ import annotations

import numpy as np

from napari_medclf.domain.image import MedImage
from napari_medclf.domain.results import Prediction, Segmentation
from napari_medclf.engine.triage.looks import looks_of
from napari_medclf.engine.triage.objects import object_traits
from napari_medclf.engine.triage.shape import fit_of, form_of, light_of, offsets_of, pieces_of, place_of
from napari_medclf.engine.triage.thin import Thinned, thin_out

SHAPE, PIECES, SIZE, FIT = "shape:", "pieces:", "size:", "fit:"
_MOST_CLASSES = 24
"""Of models with more classes only the whole is described; the volume of every class is in the results anyway."""


def traits_of(image: MedImage, prediction: Prediction) -> dict[str, float]:
    """Describe what a model said about an image.

    Returns
    -------
    dict
        ``look:...`` of the image; ``shape:``, ``pieces:`` and ``size:`` of labels, by class or of all together, and
        ``fit:`` of labels to the image. A class of which nothing was found has no numbers.
    """
    said = prediction.segmentation
    thinned = thin_out(image, None if said is None else said.labels)
    found = looks_of(thinned)
    if said is None or thinned.labels is None or not thinned.labels.any():
        return found
    found |= {f"{SHAPE}{name}": value for name, value in _of_all(thinned).items()}
    found[f"{FIT}edge"] = fit_of(thinned.labels > 0, thinned)
    if said.is_instances:
        return found | object_traits(said)
    return found | _of_classes(thinned, said)


def _of_all(thinned: Thinned) -> dict[str, float]:
    assert thinned.labels is not None
    mask = thinned.labels > 0
    return place_of(mask) | form_of(mask, thinned.spacing) | light_of(mask, thinned)


def _of_classes(thinned: Thinned, said: Segmentation) -> dict[str, float]:
    assert thinned.labels is not None
    whole = thinned.labels > 0
    found = {f"{PIECES}{name}": value for name, value in pieces_of(whole).items()}
    classes = said.schema.foreground
    if not 1 < len(classes) <= _MOST_CLASSES:
        return found
    present = set(np.unique(thinned.labels).tolist())
    for one in classes:
        if one.value in present:
            mask = thinned.labels == one.value
            found |= {f"{PIECES}{name}:{one.name}": value for name, value in pieces_of(mask).items()}
            shape = offsets_of(mask, whole) | light_of(mask, thinned)
            found |= {f"{SHAPE}{name}:{one.name}": value for name, value in shape.items()}
            found[f"{FIT}edge:{one.name}"] = fit_of(mask, thinned)
    return found
