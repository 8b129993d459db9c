"""MONAI bundles of other people, as a backend."""

from __future__ import annotations

from pathlib import Path

from napari_medclf.domain.backend import Predictor
from napari_medclf.domain.card import ModelCard
from napari_medclf.domain.errors import CardError
from napari_medclf.domain.package import ModelPackage
from napari_medclf.domain.run_settings import LoadSettings

_DEFAULT_SETTINGS = LoadSettings()


class MonaiBundleBackend:
    """See `domain.backend.Backend`."""

    name = "monai_bundle"
    title = "MONAI bundle"

    def unavailable_because(self) -> str:
        """Nothing beyond this program's own dependencies is needed."""
        return ""

    def recognises(self, path: Path) -> bool:
        """Whether a folder has ``configs/inference.json`` or ``.yaml`` and no card of ours."""
        from napari_medclf.backends.monai_bundle.files import looks_like_bundle

        return looks_like_bundle(path)

    def read(self, path: Path, card: ModelCard | None = None) -> ModelPackage:
        """Read a bundle's configuration and metadata.

        Parameters
        ----------
        card : ModelCard or None
            Replaces what the files say about input and output; the network is that of the files in any case.

        Raises
        ------
        CardError
            If it is damaged, or does what this program cannot express.
        """
        from napari_medclf.backends.monai_bundle.card import make_card
        from napari_medclf.backends.monai_bundle.files import find_weights, is_program, read_bundle
        from napari_medclf.backends.monai_bundle.network import as_spec, code_of, describe_network
        from napari_medclf.backends.monai_bundle.trust import ask_for_trust
        from napari_medclf.backends.torchscript import read_trust
        from napari_medclf.store.monai_config.pieces import Component

        bundle = read_bundle(path)
        _, network = describe_network(bundle)
        weights = find_weights(bundle)
        trust = ask_for_trust(bundle, code_of(network), read_trust(weights) if is_program(weights) else None)
        if card is not None:
            card = card.model_copy(update={"backend": self.name, "network": as_spec(network)})
            return ModelPackage(card, path, trust=trust)
        if not isinstance(network, Component):
            raise CardError(
                f"{path}: its network is an expression, {network.text}, so that its kind is not known. Give a card."
            )
        try:
            return ModelPackage(make_card(bundle, network, self.name), path, trust=trust)
        except CardError as error:
            text = str(error)
            raise (error if str(path) in text else CardError(f"{path}: {text}")) from error

    def load(self, package: ModelPackage, settings: LoadSettings = _DEFAULT_SETTINGS) -> Predictor:
        """Build the network, fill all of it, and place it."""
        from napari_medclf.backends.monai_bundle.load import load_bundle

        return load_bundle(package, settings)
