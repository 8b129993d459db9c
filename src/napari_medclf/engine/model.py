"""A model that is loaded and ready: from an image to labels, objects or scores."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import torch
from torch import nn

from napari_medclf.domain.card import ModelCard, Task
from napari_medclf.domain.errors import CardError
from napari_medclf.domain.events import Job, Progress
from napari_medclf.domain.image import MedImage
from napari_medclf.domain.package import ModelPackage
from napari_medclf.domain.results import Prediction
from napari_medclf.domain.run_settings import LoadSettings, RunSettings
from napari_medclf.engine.answers.inference import Answer, Inference
from napari_medclf.engine.answers.labels import answer_labels
from napari_medclf.engine.answers.objects import answer_objects
from napari_medclf.engine.answers.scores import answer_scores
from napari_medclf.engine.contract import check_contract
from napari_medclf.engine.device import choose_device
from napari_medclf.engine.faster import place_for_use
from napari_medclf.engine.fingerprint import check_fingerprint, compute_fingerprint
from napari_medclf.engine.networks import build_network
from napari_medclf.engine.prepare import prepare
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
_ANSWERS: Mapping[Task, Callable[[Inference], Job[Answer]]] = MappingProxyType(
    {Task.CLASSIFY: answer_scores, Task.SEGMENT: answer_labels, Task.INSTANCES: answer_objects}
)


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
            If the image cannot be fed to the model, or nothing here makes answers of the card's kind.
        MedclfError
            If the network's answer is not usable.
        """
        started = time.perf_counter()
        if self.card.task not in _ANSWERS:
            raise CardError(f"{self.card.name} is made to {self.card.task}, and this backend cannot do that.")
        yield Progress(0, 0, "Preparing the image")
        prepared = prepare(image, self.card.input)
        inference = Inference(self.card, self.network, self.device, image, prepared, settings)
        answer = yield from _ANSWERS[self.card.task](inference)
        violations = check_contract(image, self.card)
        said = (*(one.sentence for one in violations), *prepared.warnings, *answer.warnings)
        return Prediction(
            model=self.card.name,
            model_version=self.card.version,
            image_name=image.name,
            segmentation=answer.segmentation,
            classification=answer.classification,
            detection=answer.detection,
            uncertainty=answer.uncertainty,
            warnings=tuple(dict.fromkeys(said)),
            violations=violations,
            place=self.place,
            weights_sha256=self.card.weights_sha256,
            elapsed_s=time.perf_counter() - started,
        )


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
