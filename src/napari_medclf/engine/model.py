"""A model that is loaded and ready: from an image to labels, objects or scores."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from types import MappingProxyType

import torch

from napari_medclf.domain.card import ModelCard, Task
from napari_medclf.domain.errors import CardError
from napari_medclf.domain.events import Job, Noted, Progress
from napari_medclf.domain.image import MedImage
from napari_medclf.domain.package import ModelPackage
from napari_medclf.domain.results import Prediction
from napari_medclf.domain.run_settings import LoadSettings, RunSettings
from napari_medclf.domain.violation import Violation
from napari_medclf.engine.active.listen import Ear
from napari_medclf.engine.answers.boxes import answer_boxes
from napari_medclf.engine.answers.inference import Answer, Inference
from napari_medclf.engine.answers.labels import answer_labels
from napari_medclf.engine.answers.numbers import answer_numbers
from napari_medclf.engine.answers.objects import answer_objects
from napari_medclf.engine.answers.scores import answer_scores
from napari_medclf.engine.background import in_background
from napari_medclf.engine.bounded_build import AtMost
from napari_medclf.engine.contract.check import check_contract
from napari_medclf.engine.device import choose_device
from napari_medclf.engine.fingerprint import check_fingerprint
from napari_medclf.engine.grid.plan import map_grid
from napari_medclf.engine.networks import build_network
from napari_medclf.engine.planning.activations import ActivationMeter
from napari_medclf.engine.planning.foresee import Run, plan_run
from napari_medclf.engine.prepare import Prepared, prepare_by_slabs
from napari_medclf.engine.runtimes.place import Network, place_network
from napari_medclf.engine.weights import load_weights

_DEFAULT_SETTINGS = RunSettings()
_DEFAULT_LOADING = LoadSettings()
_ANSWERS: Mapping[Task, Callable[[Inference], Job[Answer]]] = MappingProxyType(
    {
        Task.CLASSIFY: answer_scores,
        Task.SEGMENT: answer_labels,
        Task.INSTANCES: answer_objects,
        Task.DETECT: answer_boxes,
        Task.REGRESS: answer_numbers,
    }
)


@dataclass(frozen=True, eq=False)
class Ready:
    """An image that waits for the network.

    Parameters
    ----------
    violations : tuple of Violation
        Where it is unlike what the card promises.
    """

    violations: tuple[Violation, ...]
    prepared: Prepared


@dataclass(frozen=True, eq=False)
class LoadedModel:
    """A network with its weights on a device; made by `load_model` and `place_model`."""

    package: ModelPackage
    network: Network = field(repr=False)
    device: torch.device
    where: str = ""
    """Device, precision and runtime, for people; empty for the device alone."""
    _meter: ActivationMeter = field(default_factory=ActivationMeter, repr=False)
    _ear: Ear = field(default_factory=Ear, repr=False)

    @property
    def card(self) -> ModelCard:
        """The contract."""
        return self.package.card

    @property
    def place(self) -> str:
        """Where it computes."""
        return self.where or str(self.device)

    @property
    def meter(self) -> ActivationMeter:
        """What its windows take, measured once for each size."""
        return self._meter

    def prepare(self, image: MedImage, settings: RunSettings = _DEFAULT_SETTINGS) -> Job[Ready]:
        """Do what comes before the network; on any thread, while the network is busy with another image.

        Raises
        ------
        CardError
            If the image cannot be fed to the model.
        """
        violations = check_contract(image, self.card)
        return Ready(violations, (yield from self._prepare(image, settings)))

    def prepared_bytes(self, image: MedImage) -> int:
        """Foresee what `prepare` keeps of an image, in bytes."""
        spec = self.card.input
        return 4 * len(spec.channels) * math.prod(map_grid(image.geometry, spec).shape)

    def predict(
        self, image: MedImage, settings: RunSettings = _DEFAULT_SETTINGS, ready: Ready | None = None
    ) -> Job[Prediction]:
        """Run the model on one image.

        Parameters
        ----------
        ready : Ready or None
            From `prepare`, of this image with these settings.

        Yields
        ------
        Progress
            After every slab and window, and twice a second; closing the generator there is safe.
        Noted
            The memory that is planned.
        Previewed
            The slice of `RunSettings.focus`, before the rest.

        Returns
        -------
        Prediction
            What the task asks for: labels or boxes on the image's own grid, scores, or numbers; with warnings.

        Raises
        ------
        CardError
            If the image cannot be fed to the model, or nothing here makes answers of the card's kind.
        MedclfError
            If the network's answer is not usable, or the run cannot fit into the memory.
        """
        started = time.perf_counter()
        if self.card.task not in _ANSWERS:
            raise CardError(f"{self.card.name} is made to {self.card.task}, and this backend cannot do that.")
        yield Progress(0, 0, "Preparing the image")
        violations = check_contract(image, self.card) if ready is None else ready.violations
        run = Run(self.card, self.network, self.device, image, settings)
        plan = yield from in_background(partial(plan_run, run, self._meter), "Planning the memory")
        yield Noted(plan.sentence)
        prepared = (yield from self._prepare(image, settings)) if ready is None else ready.prepared
        inference = Inference(self.card, self.network, self.device, image, prepared, settings, plan)
        with self._ear.listening(self.network) as heard:
            answer = yield from _ANSWERS[self.card.task](inference)
        prediction = self._prediction(inference, violations, answer)
        return replace(prediction, features=heard.values, elapsed_s=time.perf_counter() - started)

    def _prediction(self, inference: Inference, violations: tuple[Violation, ...], answer: Answer) -> Prediction:
        plan = inference.plan
        planned, planned_warning = (plan.sentence, plan.warning) if plan else ("", "")
        sentences = [one.sentence for one in violations] + [planned_warning] * bool(planned_warning)
        said = (*sentences, *inference.prepared.warnings, *answer.warnings, *self._notes())
        return Prediction(
            model=self.card.name,
            model_version=self.card.version,
            image_name=inference.image.name,
            segmentation=answer.segmentation,
            classification=answer.classification,
            detection=answer.detection,
            regression=answer.regression,
            uncertainty=answer.uncertainty,
            doubts=answer.doubts,
            warnings=tuple(dict.fromkeys(said)),
            violations=violations,
            plan=f"{planned}{answer.note}",
            place=self.place,
            weights_sha256=self.card.weights_sha256,
        )

    def _prepare(self, image: MedImage, settings: RunSettings) -> Job[Prepared]:
        is_air_skipped = self.card.input.is_air_skipped if settings.is_air_skipped is None else settings.is_air_skipped
        return prepare_by_slabs(image, self.card.input, is_air_skipped=is_air_skipped)

    def _notes(self) -> tuple[str, ...]:
        """What the network had to do otherwise than planned, such as leaving half precision."""
        return tuple(getattr(self.network, "notes", ()))


def load_model(package: ModelPackage, settings: LoadSettings = _DEFAULT_LOADING) -> LoadedModel:
    """Build the network, fill it with its weights and check that it answers as its card says.

    Raises
    ------
    CardError
        If the package is damaged or contradicts itself.
    BackendUnavailable
        If the device or the runtime is not there.
    """
    choose_device(settings.device)  # refuses before weights are read
    weights = package.weights_path
    n_bytes = weights.stat().st_size if weights.is_file() else 0
    # A training that goes on must not see other random numbers.
    with torch.random.fork_rng(devices=[]), AtMost(n_bytes, str(weights)):
        network = build_network(package.card.network)
    load_weights(package, network)
    network.eval().requires_grad_(False)
    check_fingerprint(package.card, network)
    return place_model(package, network, settings)


def place_model(package: ModelPackage, network: Network, settings: LoadSettings = _DEFAULT_LOADING) -> LoadedModel:
    """Make a model ready from a network that has its weights; what backends do last.

    Raises
    ------
    BackendUnavailable
        As `runtimes.place.place_network`.
    """
    placed = place_network(network, package.card, settings)
    return LoadedModel(package, placed.network, placed.device, placed.place)
