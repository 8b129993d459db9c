"""The model card: what a model takes, what it returns, how it was made and how good it is."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from napari_medclf.domain.input_spec import InputSpec
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.output_spec import OutputSpec


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Task(StrEnum):
    """What a model does."""

    CLASSIFY = "classify"
    SEGMENT = "segment"
    INSTANCES = "instances"
    """Segment, then tell touching objects apart."""
    DETECT = "detect"
    """Find objects as boxes."""
    REGRESS = "regress"
    """Estimate numbers, such as an age or a volume."""

    @property
    def is_of_whole_image(self) -> bool:
        """Whether it says something of an image as a whole, and nothing of places in it."""
        return self in (Task.CLASSIFY, Task.REGRESS)


class NetworkSpec(_Frozen):
    """A network by its class and arguments.

    Parameters
    ----------
    target : str
        Native models: a dotted name that the engine allows. Other backends: what theirs says.
    """

    target: str
    arguments: dict[str, Any] = Field(default_factory=dict)


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
    tolerance: float = Field(default=1e-3, ge=0)


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
    """Name of the backend that reads and runs the model's files."""

    @model_validator(mode="after")
    def _check_together(self) -> ModelCard:
        strange = [axis for axis in self.output.mirror_axes if axis >= self.input.spatial_dims]
        if strange:
            raise ValueError(f"mirror_axes names the axis {strange[0]} of {self.input.spatial_dims} dimensions")
        if not self.task.is_of_whole_image and not self.output.schema_.foreground:
            raise ValueError(f"a model that is made to {self.task} needs a class with a value above 0")
        return self

    @property
    def schema_(self) -> LabelSchema:
        """The classes this model tells apart."""
        return self.output.schema_
