"""The model card: what a model takes, what it returns, how it was made and how good it is."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from napari_medclf.domain.labels import LabelSchema


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Task(StrEnum):
    """What a model does."""

    CLASSIFY = "classify"
    SEGMENT = "segment"
    INSTANCES = "instances"
    """Segment, then tell touching objects apart."""


class Intensity(_Frozen):
    """How samples become network input.

    ``zscore``: (x - mean) / standard deviation of the image, per channel, after clipping to the
    percentiles `low` and `high`. ``window``: clip to [low, high] in sample units, then to 0..1.
    ``percentile``: clip to the percentiles, then to 0..1. ``range``: from the dtype's range to 0..1.
    """

    kind: Literal["zscore", "window", "percentile", "range"]
    low: float = 0.0
    high: float = 100.0
    mean: tuple[float, ...] = ()
    """Subtracted a channel afterwards; empty for none."""
    std: tuple[float, ...] = ()
    """Divided by a channel afterwards; empty for none."""


class InputSpec(_Frozen):
    """What a network takes; `engine.prepare` obeys it in training and in use.

    Parameters
    ----------
    spatial_dims : 2 or 3
        A 2D network sees a volume slice by slice.
    channels : tuple of str
        Names of the input channels: ``("gray",)``, ``("red", "green", "blue")``, ``("T1", "T2")``.
    modality : tuple of str
        DICOM codes that fit; empty where any does.
    spacing_mm : (k, j, i) or (j, i), or None
        Resample to this; None keeps the image's own.
    axis_codes : str or None
        Orientation of the array the network expects, such as ``"SPL"``; None keeps the image's own.
    resize_to : (j, i) or (k, j, i), or None
        Resize the whole image to this many pixels, for classification.
    patch_vox : tuple
        Window of the sliding-window run, and patch of training.
    divisible_by : int
        Every spatial size is padded to a multiple of this.
    """

    spatial_dims: Literal[2, 3]
    channels: tuple[str, ...]
    intensity: Intensity
    modality: tuple[str, ...] = ()
    spacing_mm: tuple[float, ...] | None = None
    axis_codes: str | None = None
    resize_to: tuple[int, ...] | None = None
    patch_vox: tuple[int, ...]
    divisible_by: int = 1

    @model_validator(mode="after")
    def _check_dims(self) -> InputSpec:
        for name in ("spacing_mm", "resize_to", "patch_vox"):
            value = getattr(self, name)
            if value is not None and len(value) != self.spatial_dims:
                raise ValueError(f"{name} has {len(value)} numbers for {self.spatial_dims} dimensions")
        return self


class NetworkSpec(_Frozen):
    """A network by its class and arguments; `target` is a dotted name that the engine allows."""

    target: str
    arguments: dict[str, Any] = Field(default_factory=dict)


class OutputSpec(_Frozen):
    """What the network returns and how it becomes a result.

    Parameters
    ----------
    schema_ : LabelSchema
        Segmentation: channel 0 is background, channel n the n-th foreground class. Classification:
        channel n is class n. Instances: the one kind of object; channels are then background,
        interior, border.
    activation : str
        ``softmax`` for exclusive classes, ``sigmoid`` for independent ones.
    temperature : float
        Logits are divided by it (Guo 2017); 1 means not calibrated.
    thresholds : dict
        Class name to probability from which a class is decided; without an entry, arg-max or 0.5.
    """

    schema_: LabelSchema = Field(alias="schema")
    activation: Literal["softmax", "sigmoid"] = "softmax"
    temperature: float = Field(default=1.0, gt=0)
    thresholds: dict[str, float] = Field(default_factory=dict)
    mirror_axes: tuple[int, ...] = ()
    """Spatial axes to flip for test-time augmentation; empty for none."""
    min_object_vox: int = 0
    """Smaller connected objects are removed."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Metric(_Frozen):
    """A measured number with its 95 % confidence interval (bootstrap by group)."""

    value: float
    ci95: tuple[float, float] | None = None


class DataCredit(_Frozen):
    """What a model was trained on, and whose it is."""

    name: str
    licence: str
    attribution: str
    n_train: int = 0
    n_val: int = 0
    n_test: int = 0
    split: str = ""
    """How the split was made, in a sentence."""


class Fingerprint(_Frozen):
    """What the network returns on the built-in phantom, to notice damaged or foreign weights."""

    values: tuple[float, ...]
    tolerance: float = 1e-3


class ModelCard(_Frozen):
    """The contract between a model and its users; stored in the bundle's ``metadata.json``."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$")
    version: str
    task: Task
    title: str
    description: str
    intended_use: str = "Research use only. Not a medical device."
    limits: tuple[str, ...] = ()
    input: InputSpec
    output: OutputSpec
    network: NetworkSpec
    licence: str
    data: tuple[DataCredit, ...] = ()
    metrics: dict[str, Metric] = Field(default_factory=dict)
    """Flat names such as ``test/dice/anterior`` or ``test/auc``."""
    is_calibrated: bool = False
    fingerprint: Fingerprint | None = None
    weights_sha256: str = ""
    created: str = ""
    author: str = ""
    backend: str = "native"

    @property
    def schema_(self) -> LabelSchema:
        """The classes this model tells apart."""
        return self.output.schema_
