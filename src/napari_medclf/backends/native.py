"""Model packages of this program: a MONAI bundle with our card in its metadata."""

from __future__ import annotations

from pathlib import Path

from napari_medclf.domain.backend import Predictor
from napari_medclf.domain.card import ModelCard
from napari_medclf.domain.errors import CardError
from napari_medclf.domain.package import ModelPackage
from napari_medclf.domain.run_settings import LoadSettings

_DEFAULT_SETTINGS = LoadSettings()


class NativeBackend:
    """See `domain.backend.Backend`."""

    name = "native"
    title = "model package of this program"

    def unavailable_because(self) -> str:
        """Nothing beyond this program's own dependencies is needed."""
        return ""

    def recognises(self, path: Path) -> bool:
        """Whether the folder's metadata hold our card."""
        from napari_medclf.store.bundle import has_card

        return path.is_dir() and has_card(path)

    def read(self, path: Path, card: ModelCard | None = None) -> ModelPackage:
        """Read the card in the folder; another one is refused."""
        from napari_medclf.store.bundle import read_package

        if card is not None:
            raise CardError(f"{path}: has a card of its own; leave out the other one.")
        return read_package(path)

    def load(self, package: ModelPackage, settings: LoadSettings = _DEFAULT_SETTINGS) -> Predictor:
        """Build the network, fill it, and check its fingerprint."""
        from napari_medclf.engine.model import load_model

        return load_model(package, settings)
