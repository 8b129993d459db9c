"""What a napari layer of ours remembers, so that nothing of an image is lost on the screen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from napari_medclf.bridge.orientation import DisplayFrame
from napari_medclf.domain.derived import MeasurementReport
from napari_medclf.domain.detection import Detection
from napari_medclf.domain.geometry import Geometry
from napari_medclf.domain.heat_map import HeatMap
from napari_medclf.domain.image import MedImage
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.results import Prediction, Segmentation, UncertaintyMap
from napari_medclf.domain.voxel_origin import OriginMap

METADATA_KEY = "medclf"


@dataclass(frozen=True, eq=False)
class LayerInfo:
    """The value under ``layer.metadata["medclf"]``.

    Parameters
    ----------
    geometry : Geometry
        The true grid, tilt and all.
    frame : DisplayFrame
        How the array was turned for the display.
    image : MedImage or None
        The image that an image layer shows; its samples are shared, not copied.
    segmentation : Segmentation or None
        What a labels layer showed at first; painting does not touch it.
    detection : Detection or None
        What a layer of boxes showed at first.
    uncertainty : UncertaintyMap or None
        What an image layer shows that is no image but a model's doubt.
    heat : HeatMap or None
        What an image layer shows that is no image but where a model found what it says.
    prediction : Prediction or None
        The model's answer that the labels or boxes came from.
    source_image : MedImage or None
        The image that a labels layer was made for, without its samples (`without_samples`): what DICOM
        objects that refer to it are written from.
    origin : str
        The kind of file that labels were read from, such as SEG; empty for others.
    reports : tuple of MeasurementReport
        What structured reports say about an image layer.
    voxel_origins : (K, J, I) uint8 or None
        Who each voxel of labels came from when they were shown; None where nobody had painted.
    """

    geometry: Geometry
    frame: DisplayFrame
    image: MedImage | None = None
    segmentation: Segmentation | None = None
    detection: Detection | None = None
    uncertainty: UncertaintyMap | None = None
    heat: HeatMap | None = None
    prediction: Prediction | None = None
    source_image: MedImage | None = None
    origin: str = ""
    reports: tuple[MeasurementReport, ...] = ()
    voxel_origins: OriginMap | None = None

    @property
    def is_map(self) -> bool:
        """Whether an image layer shows what a model thinks about an image, and not an image."""
        return self.uncertainty is not None or self.heat is not None

    @property
    def schema(self) -> LabelSchema | None:
        """The classes of a labels layer."""
        return None if self.segmentation is None else self.segmentation.schema


def layer_info(metadata: Mapping[str, Any]) -> LayerInfo | None:
    """Find our value in a layer's metadata; None for a layer of somebody else."""
    found = metadata.get(METADATA_KEY)
    return found if isinstance(found, LayerInfo) else None


def without_samples(image: MedImage) -> MedImage:
    """Keep all of an image but its samples: one zero, seen as an array of the same shape and type."""
    return replace(image, data=np.broadcast_to(np.zeros((), image.data.dtype), image.data.shape))
