"""What a recipe is planned from: the task, and what a few training images look like."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np

from napari_medclf.domain.arrays import FloatArray, LabelArray
from napari_medclf.domain.card import Task
from napari_medclf.domain.errors import CardError
from napari_medclf.domain.geometry import Unit
from napari_medclf.domain.image import ChannelKind, MedImage, Scale
from napari_medclf.domain.input_spec import Intensity
from napari_medclf.domain.labels import LabelSchema

_MIN_SLICES = 12
"""Fewer slices than this are seen one by one: there is too little along that axis to learn from."""
_MOST_SAMPLES = 100_000
"""Samples of an image that percentiles are taken from."""


@dataclass(frozen=True, eq=False)
class DataLook:
    """A look at the training data.

    Parameters
    ----------
    task, schema : Task, LabelSchema
        What is to be learned.
    images : tuple of MedImage
        A few of the training images, never of the test images.
    n_train : int
        How many training cases there are in all.
    spatial_dims : 2 or 3
        Whether volumes are seen whole or slice by slice.
    is_exclusive : bool
        Classification: every case has exactly one class.
    labels : tuple of (K, J, I) integer arrays
        Label images of `images`, where they are wanted (a fingerprint of the foreground); else empty.
    boxes : tuple of (n, 2, 3) arrays
        Detection: the boxes of each of `images`, as `domain.detection.Detection` has them; else empty.
    """

    task: Task
    schema: LabelSchema
    images: tuple[MedImage, ...]
    n_train: int
    spatial_dims: Literal[2, 3]
    is_exclusive: bool = True
    labels: tuple[LabelArray, ...] = ()
    boxes: tuple[FloatArray, ...] = ()

    def __post_init__(self) -> None:
        if not self.images:
            raise CardError("A training cannot be planned without a single readable image.")

    @property
    def has_numbers(self) -> bool:
        """Whether numbers are estimated, for which classes cannot be drawn evenly or smoothed."""
        return self.task is Task.REGRESS

    @property
    def modality(self) -> tuple[str, ...]:
        """DICOM codes of the images."""
        return tuple(sorted({image.modality for image in self.images} - {""}))

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of the channels of the first image."""
        image = self.images[0]
        if image.channel_kind is ChannelKind.COLOUR:
            return ("red", "green", "blue")
        if image.n_channels == 1:
            return ("gray",)
        return image.channel_names or tuple(f"channel {number}" for number in range(1, image.n_channels + 1))

    @cached_property
    def intensity(self) -> Intensity:
        """How samples become input: a window for CT, the range of 8-bit pictures, else every image by itself."""
        if all(image.scale is Scale.HU for image in self.images):
            low, high = np.percentile(np.concatenate([_thinned(image) for image in self.images]), [0.5, 99.5])
            return Intensity(kind="window", low=float(round(low)), high=float(round(max(high, low + 1))))
        if all(image.data.dtype == np.uint8 for image in self.images):
            return Intensity(kind="range")
        return Intensity(kind="zscore", low=0.5, high=99.5)

    @property
    def is_in_pixels(self) -> bool:
        """Whether an image has no size in millimetres."""
        return any(image.geometry.unit is Unit.PIXEL for image in self.images)

    @property
    def axis_codes(self) -> str | None:
        """The commonest orientation of volumes; None for pictures and slices."""
        if self.spatial_dims == 2 or self.is_in_pixels:
            return None
        return Counter(image.geometry.axis_codes for image in self.images).most_common(1)[0][0]

    @property
    def spacing_mm(self) -> tuple[float, ...] | None:
        """The median size of a voxel along each axis that the network sees; None for pictures."""
        if self.is_in_pixels:
            return None
        median = np.median([image.geometry.spacing for image in self.images], axis=0)
        return tuple(round(float(one), 3) for one in median[-self.spatial_dims :])

    def size_vox(self, spacing_mm: Sequence[float] | None = None) -> tuple[float, ...]:
        """Give the median size, on a grid of that spacing or on the images' own."""
        shapes = np.array([image.geometry.shape for image in self.images], dtype=float)
        if spacing_mm is not None:
            spacings = np.array([image.geometry.spacing for image in self.images])
            shapes[:, -self.spatial_dims :] *= spacings[:, -self.spatial_dims :] / np.array(spacing_mm)
        return tuple(float(one) for one in np.median(shapes, axis=0)[-self.spatial_dims :])


def look_at(
    task: Task,
    schema: LabelSchema,
    images: Sequence[MedImage],
    *,
    n_train: int = 0,
    is_exclusive: bool = True,
    labels: Sequence[LabelArray] = (),
    boxes: Sequence[FloatArray] = (),
) -> DataLook:
    """Look at some training images, and decide whether they are volumes.

    Raises
    ------
    CardError
        If there is no image.
    """
    n_slices = float(np.median([image.geometry.shape[0] for image in images])) if images else 0
    spatial_dims: Literal[2, 3] = 3 if n_slices >= _MIN_SLICES else 2
    return DataLook(task, schema, tuple(images), n_train, spatial_dims, is_exclusive, tuple(labels), tuple(boxes))


def _thinned(image: MedImage) -> np.ndarray[Any, Any]:
    flat = np.asarray(image.data).reshape(-1)
    return flat[:: max(flat.size // _MOST_SAMPLES, 1)].astype(np.float32)
