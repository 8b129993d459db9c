"""Who made the labels or boxes of a layer, told by what the layer began with."""

from __future__ import annotations

import numpy as np

from napari_medclf.bridge.layer_info import LayerInfo
from napari_medclf.domain.authorship import Authorship, Making
from napari_medclf.domain.detection import Detection
from napari_medclf.domain.results import Segmentation


def authorship_of(info: LayerInfo | None, segmentation: Segmentation, author: str = "") -> Authorship:
    """Tell how labels came to be.

    Parameters
    ----------
    info : LayerInfo or None
        What the layer remembers: the model's answer it came from, or the labels it began with.
    segmentation : Segmentation
        The labels as they are now, on the same grid.
    author : str
        A chosen pseudonym.

    Returns
    -------
    Authorship
        Automatic for a model's labels that nobody touched, semi-automatic where a voxel was changed,
        manual for labels that began empty. Labels of a file that does not tell who made them count
        as semi-automatic, by the name of that file's kind.
    """
    if info is None or info.segmentation is None:
        return Authorship(Making.MANUAL, author=author)
    if info.prediction is not None and info.prediction.model:
        said = info.prediction.segmentation or info.segmentation
        is_edited = not np.array_equal(said.labels, segmentation.labels)
        return Authorship.of_prediction(info.prediction, is_edited=is_edited, author=author)
    if info.origin and info.segmentation.labels.any():
        return Authorship(Making.SEMIAUTOMATIC, model=f"labels of a {info.origin} file", author=author)
    return Authorship(Making.MANUAL, author=author)


def authorship_of_boxes(info: LayerInfo | None, detection: Detection, author: str = "") -> Authorship:
    """Tell how boxes came to be: a model's own, a model's that a person changed, or a person's.

    Parameters
    ----------
    info : LayerInfo or None
        What the layer remembers.
    detection : Detection
        The boxes as they are now.
    author : str
        A chosen pseudonym.
    """
    if info is None or info.prediction is None or not info.prediction.model:
        return Authorship(Making.MANUAL, author=author)
    return Authorship.of_prediction(info.prediction, is_edited=detection.is_edited, author=author)
