"""Painting that nobody accepted, found in the journals when its image is opened again."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from napari_medclf.bridge.layers import LayerTuple, labels_layer
from napari_medclf.domain.errors import MedclfError
from napari_medclf.domain.image import MedImage
from napari_medclf.domain.results import Prediction, Segmentation
from napari_medclf.store.strokes.history import StrokeHistory, strokes_folder
from napari_medclf.ui.correct.label_state import Recovered

_log = logging.getLogger(__name__)


def blind_layer(reader: str) -> str:
    """Name the strokes of a blind reader, which are kept apart from those of others; empty for everybody else."""
    return f"blind-{reader}" if reader else ""


def find_unsaved(image: MedImage, projects: Iterable[Path], layer: str = "") -> Recovered | None:
    """Replay the newest strokes on an image that were not saved as an answer; None where there are none.

    Parameters
    ----------
    image : MedImage
        With its digest.
    projects : iterable of Path
        Folders whose journals may know it; what cannot be read is left out, and logged.
    layer : str
        Which strokes on it: see `blind_layer`.
    """
    found = []
    for folder in dict.fromkeys(projects):
        if strokes_folder(folder, image.source.digest, layer).is_dir():
            try:
                found.append(_unsaved_in(folder, image, layer))
            except (MedclfError, OSError) as error:  # the image itself must open
                _log.warning("Unsaved painting in %s was left alone: %s", folder.name, error)
    known = [one for one in found if one is not None]
    return max(known, key=lambda one: one.last_s, default=None)


def recovered_layer(recovered: Recovered, image: MedImage) -> LayerTuple | None:
    """Describe recovered painting for napari; None where the journal does not say what the values mean."""
    base, replayed = recovered.replayed.base, recovered.replayed
    if base is None or base.classes is None or replayed.labels.shape != image.geometry.shape:
        return None
    segmentation = Segmentation(
        replayed.labels,
        image.geometry,
        base.classes,
        is_instances=base.is_instances,
        source_digest=image.source.digest,
        name=base.name,
    )
    prediction = None
    if replayed.model_labels is not None or base.model:
        said = None if replayed.model_labels is None else replace(segmentation, labels=replayed.model_labels)
        prediction = Prediction(
            base.model, base.model_version, image.name, segmentation=said, weights_sha256=base.weights_sha256
        )
    return labels_layer(segmentation, prediction=prediction, image=image)


def _unsaved_in(folder: Path, image: MedImage, layer: str) -> Recovered | None:
    history = StrokeHistory(folder, image.source.digest, layer)
    saved = list(history.saved())
    last_saved = saved[-1].moment if saved else None
    fresh = [one for one in history.strokes() if last_saved is None or one.moment > last_saved]
    if not fresh:
        return None
    replayed = history.replay()
    return Recovered(folder, replayed, tuple(one.stroke for one in fresh), fresh[-1].moment.t_ns / 1e9)
