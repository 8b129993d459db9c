"""MeshNets of brainchop, run over the whole conformed head."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from napari_medclf.backends.foreign import check_digest, ready
from napari_medclf.backends.meshnet.files import find_files, read_card
from napari_medclf.domain.backend import Predictor
from napari_medclf.domain.card import ModelCard
from napari_medclf.domain.errors import CardError
from napari_medclf.domain.package import ModelPackage
from napari_medclf.domain.run_settings import LoadSettings

if TYPE_CHECKING:
    from torch import Tensor

_DEFAULT_SETTINGS = LoadSettings()


class MeshNetBackend:
    """See `domain.backend.Backend`."""

    name = "meshnet"
    title = "brainchop MeshNet"

    def unavailable_because(self) -> str:
        """Nothing beyond this program's own dependencies is needed."""
        return ""

    def recognises(self, path: Path) -> bool:
        """Whether ``model.json`` lists dilated layers, and weights lie beside it."""
        return find_files(path) is not None

    def read(self, path: Path, card: ModelCard | None = None) -> ModelPackage:
        """Read layers and classes; a card of a person stands above them."""
        files = find_files(path)
        if files is None:
            raise CardError(f"{path}: is no folder with a MeshNet's model.json and model.pth.")
        chosen = read_card(files, self.name) if card is None else card.model_copy(update={"backend": self.name})
        return ModelPackage(chosen, files.folder, files=files.all)

    def load(self, package: ModelPackage, settings: LoadSettings = _DEFAULT_SETTINGS) -> Predictor:
        """Build the network with as many channels as its weights have."""
        from napari_medclf.engine.networks import build_network
        from napari_medclf.engine.weights import fill, read_tensors

        weights = package.files[0]
        package = check_digest(package, weights)
        state = read_tensors(weights)
        spec = package.card.network
        channels = _count_channels(state, package)
        network = build_network(spec.model_copy(update={"arguments": {**spec.arguments, "channels": channels}}))
        fill(network, state, str(weights))
        return ready(package, network, settings)


def _count_channels(state: dict[str, Tensor], package: ModelPackage) -> list[int]:
    """Input channels and the outputs of every convolution; ``model.json`` often says others."""
    kernels = [state[key] for key in sorted(state, key=_numbers_of) if state[key].ndim == 5]
    n_layers, classes = len(package.card.network.arguments.get("dilations", ())), 1 + len(package.card.schema_)
    if len(kernels) != n_layers or not kernels:
        raise CardError(f"{package.files[0]}: holds {len(kernels)} convolutions, but model.json lists {n_layers}.")
    if kernels[-1].shape[0] != classes:
        raise CardError(f"{package.files[0]}: tells {kernels[-1].shape[0]} classes apart, but {classes} have a name.")
    return [int(kernels[0].shape[1]), *(int(kernel.shape[0]) for kernel in kernels)]


def _numbers_of(key: str) -> list[int]:
    """Layers in their order: files may list them by name, 10 before 2."""
    return [int(number) for number in re.findall(r"\d+", key)]
