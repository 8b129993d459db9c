"""A model that is loaded and ready: from an image to labels, objects or scores."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import nn

from napari_medclf.domain.arrays import FloatArray, LabelArray
from napari_medclf.domain.card import ModelCard, Task
from napari_medclf.domain.errors import CardError, MedclfError
from napari_medclf.domain.events import Job, Progress
from napari_medclf.domain.image import MedImage
from napari_medclf.domain.package import ModelPackage
from napari_medclf.domain.results import Classification, Prediction, Segmentation
from napari_medclf.domain.run_settings import LoadSettings, RunSettings
from napari_medclf.engine.contract import check_contract
from napari_medclf.engine.decide import (
    activate,
    decide_classes,
    decide_labels,
    remove_small_objects,
    values_of_channels,
)
from napari_medclf.engine.device import choose_device
from napari_medclf.engine.faster import place_for_use
from napari_medclf.engine.fingerprint import check_fingerprint, compute_fingerprint
from napari_medclf.engine.instances import find_instances
from napari_medclf.engine.networks import build_network
from napari_medclf.engine.prepare import Prepared, prepare
from napari_medclf.engine.sliding.slide import Window, slide
from napari_medclf.engine.sliding.whole_image import run_whole
from napari_medclf.engine.weights import load_weights

__all__ = [
    "LoadedModel",
    "check_contract",
    "choose_device",
    "compute_fingerprint",
    "load_model",
]


_DEFAULT_SETTINGS = RunSettings()
_DEFAULT_LOADING = LoadSettings()


@dataclass(frozen=True, eq=False)
class LoadedModel:
    """A network with its weights on a device; made by `load_model`."""

    package: ModelPackage
    network: nn.Module = field(repr=False)
    device: torch.device

    @property
    def card(self) -> ModelCard:
        """The contract."""
        return self.package.card

    @property
    def place(self) -> str:
        """Where it computes."""
        return str(self.device)

    def predict(self, image: MedImage, settings: RunSettings = _DEFAULT_SETTINGS) -> Job[Prediction]:
        """Run the model on one image.

        Yields
        ------
        Progress
            After every batch of patches; closing the generator there is safe.

        Returns
        -------
        Prediction
            A segmentation on the image's own grid, or a classification, with warnings.

        Raises
        ------
        CardError
            If the image cannot be fed to the model.
        MedclfError
            If the network's answer is not usable.
        """
        started = time.perf_counter()
        yield Progress(0, 0, "Preparing the image")
        prepared = prepare(image, self.card.input)
        segmentation: Segmentation | None = None
        classification: Classification | None = None
        if self.card.task is Task.CLASSIFY:
            classification = yield from self._classify(prepared, settings)
        else:
            segmentation = yield from self._segment(image, prepared, settings)
        return Prediction(
            model=self.card.name,
            model_version=self.card.version,
            image_name=image.name,
            segmentation=segmentation,
            classification=classification,
            warnings=(*check_contract(image, self.card), *prepared.warnings),
            place=self.place,
            weights_sha256=self.card.weights_sha256,
            elapsed_s=time.perf_counter() - started,
        )

    def _classify(self, prepared: Prepared, settings: RunSettings) -> Job[Classification]:
        logits = yield from run_whole(prepared.data, self.network, self._window(settings), self.device)
        self._check_answer(logits, prepared, "scores")
        activate(logits, self.card.output)
        # A 2D network has one answer a slice: their mean is the answer for the image.
        return decide_classes(logits.mean(axis=1).tolist(), self.card.output, is_calibrated=self.card.is_calibrated)

    def _segment(self, image: MedImage, prepared: Prepared, settings: RunSettings) -> Job[Segmentation]:
        logits = yield from slide(prepared.data, self.network, self._window(settings), self.device)
        self._check_answer(logits, prepared, "channels")
        yield Progress(0, 0, "Bringing the result to the image's grid")
        is_instances = self.card.task is Task.INSTANCES
        labels = self._find_objects(logits, prepared) if is_instances else self._label(logits, prepared)
        return Segmentation(
            labels=labels,
            geometry=image.geometry,
            schema=self.card.schema_,
            is_instances=is_instances,
            source_digest=image.source.digest,
            name=self.card.name,
        )

    def _label(self, logits: FloatArray, prepared: Prepared) -> LabelArray:
        output = self.card.output
        if output.activation == "softmax" and not output.thresholds:
            if output.temperature != 1:
                logits /= np.float32(output.temperature)
            labels = values_of_channels(output.schema_)[prepared.grid.restore_argmax(logits)]
        else:
            activate(logits, output)
            labels = decide_labels(prepared.grid.iter_restored(logits), output)
        remove_small_objects(labels, output.schema_, output.min_object_vox * prepared.grid.source_vox_per_model_vox)
        return labels

    def _find_objects(self, logits: FloatArray, prepared: Prepared) -> LabelArray:
        output, grid = self.card.output, prepared.grid
        activate(logits, output)
        return find_instances(
            grid.restore(logits),
            min_object_vox=output.min_object_vox * grid.source_vox_per_model_vox,
            is_3d=self.card.input.spatial_dims == 3,
        )

    def _window(self, settings: RunSettings) -> Window:
        spec = self.card.input
        mirror_axes = self.card.output.mirror_axes
        if settings.mirror is not None:
            mirror_axes = tuple(range(spec.spatial_dims)) if settings.mirror else ()
        overlap = spec.overlap if settings.overlap is None else settings.overlap
        return Window(spec.patch_vox, overlap, spec.divisible_by, settings.batch, mirror_axes)

    def _check_answer(self, logits: FloatArray, prepared: Prepared, what: str) -> None:
        name, expected = self.card.name, _count_outputs(self.card)
        if len(logits) != expected:
            raise CardError(f"The network of {name!r} has {len(logits)} {what}, but its card says {expected}.")
        lowest, highest = logits.reshape(expected, -1).min(axis=1), logits.reshape(expected, -1).max(axis=1)
        if not (np.isfinite(lowest).all() and np.isfinite(highest).all()):
            raise MedclfError(
                f"{name} answered with numbers that are not finite. The weights are damaged, or the image's values are "
                "far outside of what the model knows."
            )
        is_same_everywhere = bool((lowest == highest).all()) if logits.ndim == 4 else bool(np.ptp(logits) == 0)
        if is_same_everywhere and np.ptp(prepared.data) > 0:
            raise MedclfError(f"{name} gave the same answer everywhere: its weights are damaged or not trained.")


def load_model(package: ModelPackage, settings: LoadSettings = _DEFAULT_LOADING) -> LoadedModel:
    """Build the network, fill it with its weights and check that it answers as its card says.

    Raises
    ------
    CardError
        If the package is damaged or contradicts itself.
    BackendUnavailable
        If the device is not there.
    """
    place = choose_device(settings.device)
    with torch.random.fork_rng(devices=[]):  # a training that goes on must not see other random numbers
        network = build_network(package.card.network)
    load_weights(package, network)
    network.eval().requires_grad_(False)
    check_fingerprint(package.card, network)
    return LoadedModel(package, place_for_use(network, place, package.card.input.spatial_dims), place)


def _count_outputs(card: ModelCard) -> int:
    if card.task is Task.CLASSIFY:
        return len(card.schema_)
    return 3 if card.task is Task.INSTANCES else 1 + len(card.schema_.foreground)
