"""What a network returns, and how that becomes labels, objects, boxes or scores."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from napari_medclf.domain.labels import LabelSchema

# Far beyond what any model needs: what is larger was written to do harm, or by mistake.
_MOST_CLASSES, _MOST_VALUE, _MOST_MEMBERS = 10_000, 65_535, 1_000
_Probability = Annotated[float, Field(ge=0, le=1)]


class Quantity(BaseModel):
    """How one number that a network estimates is read: answer * sd + mean, in `unit`.

    Parameters
    ----------
    unit : str
        UCUM code, such as ``a`` (years) or ``mL``; ``1`` for counts and ratios; empty where unknown.
    mean, sd : float
        Of the training cases.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    unit: str = ""
    mean: float = 0.0
    sd: float = Field(default=1.0, gt=0)


class OutputSpec(BaseModel):
    """What the network returns and how it becomes a result.

    Parameters
    ----------
    schema_ : LabelSchema
        Segmentation: channel 0 is background (unless `has_background_channel` is false), channel n the n-th foreground
        class. Classification: channel n is class n. Instances: the one kind of object. Detection: the kinds of object.
    activation : str
        ``softmax`` for exclusive classes, ``sigmoid`` for independent ones, ``ordinal`` for classes in an order:
        channel n says how likely the class lies above class n, so that there is one channel less than classes.
    is_activated : bool
        Whether the network's answer is a probability already (its last layer is the activation).
    has_background_channel : bool
        Whether channel 0 is background; networks with sigmoids often leave it out.
    priority : tuple of str
        For independent classes that overlap (nnU-Net's regions): a later one is painted over an earlier one. Empty:
        the most probable wins.
    temperature : float
        Logits are divided by it (Guo 2017); 1 means not calibrated.
    thresholds : dict
        Class name to probability from which a class is decided; without an entry, arg-max or 0.5.
    instances : str
        How objects are told apart: ``border`` (channels background, interior, border; Caicedo 2019), ``distance``
        (watershed on the distance inside the foreground), ``flows`` (channels foreground, then one flow an axis;
        cellpose), ``hover`` (channels background, nucleus, horizontal, vertical; HoVerNet), ``components``.
    resampled : str
        What is brought to the image's grid, before the class is decided there: ``logits`` (nnU-Net),
        ``probabilities`` (MONAI's ``Activations``, ``Invert``, ``AsDiscrete``), or decided ``labels`` (nearest voxel).
    largest_only : tuple of str
        Classes of which only the largest object is kept (voxels that share a corner belong together).
    n_members : int
        Networks that were trained on parts of the data (nnU-Net's folds): their channels stand one after the other in
        the network's answer, and the mean of their logits counts.
    quantities : tuple of Quantity
        Regression: what the numbers of the schema's classes mean, in their order.
    smallest_score, nms_iou : float
        Detection: boxes below the score, and boxes that overlap a better one by more than this intersection over
        union (in mm), are dropped.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, allow_inf_nan=False)

    schema_: LabelSchema = Field(alias="schema")
    activation: Literal["softmax", "sigmoid", "ordinal"] = "softmax"
    is_activated: bool = False
    has_background_channel: bool = True
    priority: tuple[str, ...] = ()
    temperature: float = Field(default=1.0, ge=1e-6, le=1e6)
    thresholds: dict[str, _Probability] = Field(default_factory=dict)
    mirror_axes: tuple[Annotated[int, Field(ge=0, le=2)], ...] = ()
    """Spatial axes to flip for test-time augmentation; empty for none."""
    min_object_vox: int = Field(default=0, ge=0)
    """Smaller connected objects are removed."""
    resampled: Literal["logits", "probabilities", "labels"] = "logits"
    largest_only: tuple[str, ...] = ()
    n_members: int = Field(default=1, ge=1, le=_MOST_MEMBERS)
    instances: Literal["border", "distance", "flows", "hover", "components"] = "border"
    quantities: tuple[Quantity, ...] = ()
    smallest_score: float = Field(default=0.5, ge=0, le=1)
    nms_iou: float = Field(default=0.3, ge=0, le=1)

    @model_validator(mode="after")
    def _check_classes(self) -> OutputSpec:
        if not 1 <= len(self.schema_) <= _MOST_CLASSES or max(self.schema_.values) > _MOST_VALUE:
            raise ValueError(f"a model knows from 1 to {_MOST_CLASSES} classes, with values up to {_MOST_VALUE}")
        for name in ("thresholds", "priority", "largest_only"):
            strange = sorted(set(getattr(self, name)) - set(self.schema_.names))
            if strange:
                raise ValueError(f"{name} names {strange[0]!r}, which is no class of the schema")
        if self.quantities and len(self.quantities) != len(self.schema_):
            raise ValueError(f"there are {len(self.quantities)} quantities for {len(self.schema_)} names")
        if self.activation == "ordinal" and len(self.schema_) < 2:
            raise ValueError("classes in an order must be two or more")
        if len(set(self.mirror_axes)) < len(self.mirror_axes):
            raise ValueError(f"mirror_axes {self.mirror_axes} names an axis twice")
        return self
