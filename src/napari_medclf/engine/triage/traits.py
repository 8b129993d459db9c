"""Describe an answer and its image in numbers that can be compared with those of other cases."""

from __future__ import annotations

import numpy as np

from napari_medclf.domain.image import MedImage
from napari_medclf.domain.results import Prediction, Segmentation
from napari_medclf.engine.triage.features import features_of
from napari_medclf.engine.triage.looks import looks_of
from napari_medclf.engine.triage.objects import object_traits
from napari_medclf.engine.triage.shape import Structure, fit_of, form_of, light_of, offsets_of, pieces_of, place_of
from napari_medclf.engine.triage.thin import Thinned, thin_out

SHAPE, PIECES, SIZE, FIT = "shape:", "pieces:", "size:", "fit:"
_MOST_CLASSES = 24
"""Of models with more classes only the whole is described; the volume of every class is in the results anyway."""


def traits_of(image: MedImage, prediction: Prediction) -> dict[str, float]:
    """Describe what a model said about an image.

    Returns
    -------
    dict
        ``look:...`` of the image; ``feature:...`` of what the network saw in it, where that could be listened to;
        ``shape:``, ``pieces:`` and ``size:`` of labels, by class or of all together, and
        ``fit:`` of labels to the image. A class of which nothing was found has no numbers.
    """
    said = prediction.segmentation
    thinned = thin_out(image, None if said is None else said.labels)
    found = looks_of(thinned) | features_of(prediction.features)
    if said is None or thinned.labels is None or not thinned.labels.any():
        return found
    whole = Structure.of(thinned.labels > 0, thinned)
    shape = place_of(whole) | form_of(whole) | light_of(whole)
    found |= {f"{SHAPE}{name}": value for name, value in shape.items()}
    found[f"{FIT}edge"] = fit_of(whole)
    if said.is_instances:
        return found | object_traits(said)
    found |= {f"{PIECES}{name}": value for name, value in pieces_of(whole).items()}
    return found | _of_classes(thinned, said, whole)


def _of_classes(thinned: Thinned, said: Segmentation, whole: Structure) -> dict[str, float]:
    assert thinned.labels is not None
    classes = said.schema.foreground
    if not 1 < len(classes) <= _MOST_CLASSES:
        return {}
    found: dict[str, float] = {}
    present = set(np.unique(thinned.labels).tolist())
    for one in classes:
        if one.value in present:
            part = Structure.of(thinned.labels == one.value, thinned)
            shape = offsets_of(part, whole) | light_of(part)
            found |= {f"{SHAPE}{name}:{one.name}": value for name, value in shape.items()}
            found |= {f"{PIECES}{name}:{one.name}": value for name, value in pieces_of(part).items()}
            found[f"{FIT}edge:{one.name}"] = fit_of(part)
    return found
