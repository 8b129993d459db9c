"""What a model or a person says about an image."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_medclf.domain.arrays import FloatArray, LabelArray
from napari_medclf.domain.detection import Detection
from napari_medclf.domain.errors import GridError, SchemaError
from napari_medclf.domain.geometry import Geometry
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.violation import Violation

Target = NDArray[Any]
"""What is right for an image; see `Sample`."""


@dataclass(frozen=True, eq=False)
class Segmentation:
    """A label for every voxel.

    Parameters
    ----------
    labels : (K, J, I) integer
        Class values of `schema`, or object numbers from 1 when `is_instances`.
    geometry : Geometry
        The grid of the image that was labelled.
    schema : LabelSchema
        The classes. With `is_instances` it has one foreground class: what every object is.
    source_digest : str
        Digest of the image that was labelled; empty where unknown.

    Raises
    ------
    GridError
        If labels and geometry disagree.
    SchemaError
        If a label value belongs to no class.
    """

    labels: LabelArray
    geometry: Geometry
    schema: LabelSchema
    is_instances: bool = False
    source_digest: str = ""
    name: str = "labels"

    def __post_init__(self) -> None:
        if self.labels.shape != self.geometry.shape:
            raise GridError(f"Labels of shape {self.labels.shape} do not fit a grid of {self.geometry.shape}.")
        if not np.issubdtype(self.labels.dtype, np.integer):
            raise SchemaError(f"Labels must be whole numbers, not {self.labels.dtype}.")
        if not self.is_instances and self.labels.any():  # empty labels of a large volume are told 100 times as fast
            self.schema.check_values(np.unique(self.labels).tolist())

    def count(self, name: str) -> int:
        """How many voxels carry a class."""
        return int(np.count_nonzero(self.labels == self.schema.named(name).value))


class Scope(StrEnum):
    """What a class is said about."""

    STUDY = "study"
    IMAGE = "image"
    SLICE = "slice"
    OBJECT = "object"


@dataclass(frozen=True)
class Classification:
    """Scores of an image (or study, slice, object).

    Parameters
    ----------
    scores : dict
        Class name to probability in [0, 1]; a class with no entry is unknown.
    decided : tuple of str
        The classes that are said to be present; one for exclusive classes.
    is_calibrated : bool
        Whether the probabilities were calibrated on validation data.
    """

    scores: dict[str, float]
    decided: tuple[str, ...]
    scope: Scope = Scope.IMAGE
    thresholds: dict[str, float] = field(default_factory=dict)
    is_calibrated: bool = False
    index: int | None = None
    """The slice or object this is about, when the scope is one."""

    @property
    def top_class(self) -> str:
        """The class with the highest score."""
        return max(self.scores, key=lambda name: self.scores[name])


@dataclass(frozen=True)
class Regression:
    """Numbers that were estimated of an image.

    Parameters
    ----------
    values : dict
        Name of the quantity to its estimate.
    units : dict
        Name to UCUM code; a name with no entry has no unit.
    """

    values: dict[str, float]
    units: dict[str, str] = field(default_factory=dict)

    @property
    def lines(self) -> tuple[str, ...]:
        """The numbers as people read them.

        >>> Regression({"age": 61.234, "cells": 12.0}, {"age": "a", "cells": "1"}).lines
        ('age  61.23 a', 'cells  12')
        """
        units = {name: "" if unit == "1" else unit for name, unit in self.units.items()}
        return tuple(f"{name}  {value:.4g} {units.get(name, '')}".rstrip() for name, value in self.values.items())


@dataclass(frozen=True, eq=False)
class UncertaintyMap:
    """How unsure a model is, voxel by voxel.

    Parameters
    ----------
    values : (K, J, I) float32
        From 0 (sure) to 1.
    kind : str
        ``entropy`` of the mean probabilities over the logarithm of the number of classes; ``disagreement``: the part
        of the members (networks, mirrored images) that vote for another class than the answer.
    """

    values: FloatArray
    geometry: Geometry
    kind: str


@dataclass(frozen=True)
class Prediction:
    """Everything one model said about one image.

    Parameters
    ----------
    doubts : dict
        How unsure the model is about the whole image, from 0 (sure) to 1, where that costs nothing to tell:
        ``entropy``, the mean where something was found or doubted (of labels), or that of the scores.
    violations : tuple of Violation
        Where the image is unlike what the card promises; their sentences stand in `warnings`, too.
    plan : str
        The memory that was planned and how the run was cut, in one line.
    place : str
        Where and with what it ran, such as ``cpu openvino``.
    features : (f,) float32 or None
        What the network computed just before it answered, the mean over its windows; None where what runs it lets
        nobody listen, as ONNX Runtime and OpenVINO do.
    """

    model: str
    model_version: str
    image_name: str
    segmentation: Segmentation | None = None
    classification: Classification | None = None
    detection: Detection | None = None
    regression: Regression | None = None
    uncertainty: UncertaintyMap | None = None
    doubts: Mapping[str, float] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    violations: tuple[Violation, ...] = ()
    plan: str = ""
    place: str = "cpu"
    features: FloatArray | None = field(default=None, compare=False, repr=False)
    elapsed_s: float = 0.0
    weights_sha256: str = ""
    """Of the weights that said it, to be kept with corrections."""


@dataclass(frozen=True, eq=False)
class Sample:
    """One thing to learn from.

    Parameters
    ----------
    image : (C, *spatial) float32
        As `engine.prepare` made it.
    target :
        (*spatial) integer class index for segmentation; a scalar class index for exclusive classes, (n_classes,)
        float32 of 0 and 1 for others; (n,) float32 numbers for regression, NaN where one is not known; for detection
        (n, 2 * dims + 1) float32, a row a box: its lowest and its highest corner as positions on the grid of `image`,
        and its class's position in the schema.
    weight : (*spatial) float32 or None
        How much each voxel counts; None counts all alike.
    """

    image: FloatArray
    target: Target
    weight: FloatArray | None = None
