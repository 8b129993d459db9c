"""What a network is made to lower."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class LossSettings(BaseModel):
    """The loss of a training: a term for every sample or voxel, and for label images one for regions and one for edges.

    Parameters
    ----------
    kind : str
        ``ce`` cross-entropy for exclusive classes; ``bce`` a cross-entropy a class, for classes that exclude nothing;
        ``focal`` (Lin 2017) either of them with easy samples weighted down; ``ordinal`` a cross-entropy for every step
        between ordered classes (Cheng 2008); ``mse``, ``mae``, ``huber`` for numbers. ``auto`` takes what the task
        asks for.
    label_smoothing : float
        Probability given to the other classes, in the targets (Szegedy 2016).
    class_weight : str
        ``balanced`` weighs a class by the inverse of how often it comes; ``none`` weighs all samples alike.
    focal_gamma : float
        How much easy samples are weighted down.
    region : str
        Overlap of whole regions, for label images: soft ``dice`` (Drozdzal 2016), ``tversky`` (Salehi 2017) or
        ``focal_tversky`` (Abraham 2019).
    region_weight : float
        Part of the region term in the loss; the rest is the term of `kind`.
    tversky_alpha, tversky_beta : float
        Weight of false positives and of false negatives.
    edge : str
        A further term for edges: ``hausdorff`` (Karimi 2019, MONAI's ``LogHausdorffDTLoss``) or ``boundary``
        (Kervadec 2019).
    edge_weight : float
        It is added with this weight.
    touching_weight : float
        For objects to be counted: how much voxels count that are near two objects, beside 1 for all others, so that
        thin borders between objects are learned (Ronneberger 2015).
    is_deeply_supervised : bool
        Whether networks that answer on several scales are told what is right on each (nnU-Net's weights: half at each
        further scale).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["auto", "ce", "bce", "focal", "ordinal", "mse", "mae", "huber"] = "auto"
    label_smoothing: float = Field(default=0.0, ge=0, lt=1)
    class_weight: Literal["none", "balanced"] = "none"
    focal_gamma: float = Field(default=2.0, ge=0, le=10)
    region: Literal["none", "dice", "tversky", "focal_tversky"] = "dice"
    region_weight: float = Field(default=0.5, ge=0, le=1)
    tversky_alpha: float = Field(default=0.3, ge=0, le=1)
    tversky_beta: float = Field(default=0.7, ge=0, le=1)
    edge: Literal["none", "hausdorff", "boundary"] = "none"
    edge_weight: float = Field(default=0.1, ge=0, le=10)
    touching_weight: float = Field(default=1.0, ge=1, le=100)
    is_deeply_supervised: bool = False
