"""One network on one image: what every kind of answer starts from, and what it hands back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from napari_medclf.domain.arrays import FloatArray
from napari_medclf.domain.card import ModelCard
from napari_medclf.domain.detection import Detection
from napari_medclf.domain.image import MedImage
from napari_medclf.domain.results import Classification, Regression, Segmentation, UncertaintyMap
from napari_medclf.domain.run_settings import RunSettings
from napari_medclf.engine.answers.checked import LogitsCheck
from napari_medclf.engine.planning.plan import Plan, window_of
from napari_medclf.engine.prepare import Prepared
from napari_medclf.engine.sliding.window import Window


@dataclass(frozen=True, eq=False)
class Inference:
    """A network that is about to be run on an image.

    Parameters
    ----------
    network : callable
        (N, C, *spatial) float32 tensors on `device` to (N, classes, *spatial), or to (N, classes).
    prepared : Prepared
        The image on the model grid.
    plan : Plan or None
        What was planned to stay within the memory; None for a run that need not care.
    """

    card: ModelCard
    network: Callable[[Tensor], Tensor]
    device: torch.device
    image: MedImage
    prepared: Prepared
    settings: RunSettings
    plan: Plan | None = None

    @property
    def window(self) -> Window:
        """How the image is cut: as the card says, unless a person said otherwise."""
        return window_of(self.card, self.settings) if self.plan is None else self.plan.window


@dataclass(frozen=True, eq=False)
class Answer:
    """What one kind of answer adds to a `Prediction`; the fields are its own."""

    segmentation: Segmentation | None = None
    classification: Classification | None = None
    detection: Detection | None = None
    regression: Regression | None = None
    uncertainty: UncertaintyMap | None = None
    doubts: Mapping[str, float] = field(default_factory=dict)
    """How unsure the network is about the whole image; see `Prediction.doubts`."""
    warnings: tuple[str, ...] = ()
    note: str = ""
    """What the plan's line ends with, such as how many windows were left out."""


def check_logits(logits: FloatArray, inference: Inference) -> None:
    """Make sure that a network's whole answer (classes, ...) is usable.

    Raises
    ------
    CardError
        If it has another number of channels than the card says.
    MedclfError
        If it is not finite, or the same everywhere on an image that is not.
    """
    check = LogitsCheck(inference.card)
    check.look(logits)
    check.finish(inference.prepared.data)
