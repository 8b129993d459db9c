"""What a kind of model file must offer to be run here; others implement it as entry points."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from napari_medclf.domain.card import ModelCard
from napari_medclf.domain.events import Job
from napari_medclf.domain.image import MedImage
from napari_medclf.domain.package import ModelPackage
from napari_medclf.domain.results import Prediction
from napari_medclf.domain.run_settings import LoadSettings, RunSettings


@runtime_checkable
class Predictor(Protocol):
    """A model that is loaded and ready."""

    @property
    def package(self) -> ModelPackage:
        """What was loaded."""

    @property
    def place(self) -> str:
        """Where and with what it computes, for people: ``cpu``, ``cuda:0 bfloat16``, ``cpu openvino``."""

    def predict(self, image: MedImage, settings: RunSettings = ...) -> Job[Prediction]:
        """Run the model on one image; yields often enough that a stop takes less than 2 s.

        Raises
        ------
        CardError
            If the image cannot be fed to the model.
        MedclfError
            If the answer is not usable: constant, or not finite.
        """


@runtime_checkable
class PreparingPredictor(Predictor, Protocol):
    """A predictor that can do ahead what comes before the network, while the network is busy with another image."""

    def prepared_bytes(self, image: MedImage) -> int:
        """Foresee what `prepare` keeps of an image."""

    def prepare(self, image: MedImage, settings: RunSettings = ...) -> Job[Any]:
        """Do what comes before the network, on any thread; the result is for `predict` with the same settings.

        Raises
        ------
        CardError
            As `predict`.
        """

    def predict(self, image: MedImage, settings: RunSettings = ..., ready: Any = None) -> Job[Prediction]:
        """Do as `Predictor.predict`, without what `prepare` did already."""


@runtime_checkable
class Backend(Protocol):
    """One kind of model file.

    An entry point of the group ``napari_medclf.backends`` names a class without arguments that fits this; building it
    imports nothing heavy. `testing.check_backend` tells an author whether it keeps its word.
    """

    @property
    def name(self) -> str:
        """What cards write as their `backend`: short, lower case, the entry point's name."""

    @property
    def title(self) -> str:
        """What it is, for people: ``"nnU-Net v2 result folder"``."""

    def unavailable_because(self) -> str:
        """What is missing on this computer and how to get it, as a sentence; empty where nothing is."""

    def recognises(self, path: Path) -> bool:
        """Tell by content, in milliseconds, whether a file or folder is of this kind; never raises, never runs it."""

    def read(self, path: Path, card: ModelCard | None = None) -> ModelPackage:
        """Read what the model says about itself; weights are not read, and nothing from the files runs.

        Parameters
        ----------
        card : ModelCard or None
            What a person says about it, where the files do not tell enough.

        Raises
        ------
        CardError
            If it is damaged, or a card is needed and was not given (the sentence says what the card must hold).
        """

    def load(self, package: ModelPackage, settings: LoadSettings = ...) -> Predictor:
        """Build the network with all of its weights.

        The caller has made sure of a person's trust where `package.trust` asks for it.

        Raises
        ------
        CardError
            If weights are damaged, or fit only in part.
        BackendUnavailable
            If a package or device is missing.
        """
