"""One network on one image: what every kind of answer starts from, and what it hands back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from napari_medclf.domain.arrays import FloatArray
from napari_medclf.domain.card import ModelCard, Task
from napari_medclf.domain.detection import Detection
from napari_medclf.domain.errors import CardError, MedclfError
from napari_medclf.domain.image import MedImage
from napari_medclf.domain.results import Classification, Segmentation, UncertaintyMap
from napari_medclf.domain.run_settings import RunSettings
from napari_medclf.engine.instances.channels import count_channels
from napari_medclf.engine.prepare import Prepared
from napari_medclf.engine.sliding.slide import Window


@dataclass(frozen=True, eq=False)
class Inference:
    """A network that is about to be run on an image.

    Parameters
    ----------
    network : callable
        (N, C, *spatial) float32 tensors on `device` to (N, classes, *spatial), or to (N, classes).
    prepared : Prepared
        The image on the model grid.
    """

    card: ModelCard
    network: Callable[[Tensor], Tensor]
    device: torch.device
    image: MedImage
    prepared: Prepared
    settings: RunSettings

    @property
    def window(self) -> Window:
        """How the image is cut: as the card says, unless a person said otherwise."""
        spec = self.card.input
        mirror_axes = self.card.output.mirror_axes
        if self.settings.mirror is not None:
            mirror_axes = tuple(range(spec.spatial_dims)) if self.settings.mirror else ()
        overlap = spec.overlap if self.settings.overlap is None else self.settings.overlap
        return Window(spec.patch_vox, overlap, spec.divisible_by, self.settings.batch, mirror_axes)


@dataclass(frozen=True, eq=False)
class Answer:
    """What one kind of answer adds to a `Prediction`; the fields are its own."""

    segmentation: Segmentation | None = None
    classification: Classification | None = None
    detection: Detection | None = None
    uncertainty: UncertaintyMap | None = None
    warnings: tuple[str, ...] = ()


def check_logits(logits: FloatArray, inference: Inference) -> None:
    """Make sure that a network's answer (classes, ...) is usable.

    Raises
    ------
    CardError
        If it has another number of channels than the card says.
    MedclfError
        If it is not finite, or the same everywhere on an image that is not.
    """
    name, expected = inference.card.name, count_outputs(inference.card)
    if len(logits) != expected:
        what = "scores" if inference.card.task is Task.CLASSIFY else "channels"
        raise CardError(f"The network of {name!r} has {len(logits)} {what}, but its card says {expected}.")
    lowest, highest = logits.reshape(expected, -1).min(axis=1), logits.reshape(expected, -1).max(axis=1)
    if not (np.isfinite(lowest).all() and np.isfinite(highest).all()):
        raise MedclfError(
            f"{name} answered with numbers that are not finite. The weights are damaged, or the image's values are "
            "far outside of what the model knows."
        )
    is_same_everywhere = bool((lowest == highest).all()) if logits.ndim == 4 else bool(np.ptp(logits) == 0)
    if is_same_everywhere and np.ptp(inference.prepared.data) > 0:
        raise MedclfError(f"{name} gave the same answer everywhere: its weights are damaged or not trained.")


def count_outputs(card: ModelCard) -> int:
    """How many channels or scores a card promises."""
    if card.task is Task.CLASSIFY:
        return len(card.schema_)
    if card.task is Task.INSTANCES:
        return count_channels(card.output, card.input.spatial_dims)
    return 1 + len(card.schema_.foreground)
