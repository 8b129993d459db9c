"""Plain weights (safetensors or PyTorch's) of a network that a card names, or that the weights give away."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from napari_medclf.backends.foreign import check_digest, choose_card, find_source, is_source, package_of, ready
from napari_medclf.domain.backend import Predictor
from napari_medclf.domain.card import ModelCard
from napari_medclf.domain.errors import CardError
from napari_medclf.domain.package import ModelPackage
from napari_medclf.domain.run_settings import LoadSettings
from napari_medclf.engine.weight_files.kinds import TENSOR_KINDS, FileKind, sniff

if TYPE_CHECKING:
    from torch import Tensor, nn

INFERRED = "inferred"
"""What a card writes as the target of a network that shall be found from its weights."""

_KIND = "pytorch_state_dict"
_DEFAULT_SETTINGS = LoadSettings()
# Files that people take for weights and that are something else: `read` says what.
_SUFFIXES = (".pt", ".pth", ".ckpt", ".safetensors", ".h5", ".hdf5", ".keras", ".pkl")
_NOT_OURS = (FileKind.MISSING, FileKind.TORCHSCRIPT, FileKind.PT2)


class StateDictBackend:
    """See `domain.backend.Backend`."""

    name = "state_dict"
    title = "weights (safetensors or PyTorch) with a card"

    def unavailable_because(self) -> str:
        """Nothing beyond this program's own dependencies is needed."""
        return ""

    def recognises(self, path: Path) -> bool:
        """Whether it holds weights by its content, or pretends to by its suffix."""
        return is_source(path, _KIND, _is_weights)

    def read(self, path: Path, card: ModelCard | None = None) -> ModelPackage:
        """Take the card that lies beside the weights; they say nothing about images themselves."""
        source = find_source(path, _KIND, card)
        kind = sniff(source.weights)
        if kind not in TENSOR_KINDS:
            raise CardError(f"{source.weights}: is {kind}. Expected weights as safetensors or as a PyTorch state dict.")
        return package_of(source, choose_card(source, _KIND, self.name, card))

    def load(self, package: ModelPackage, settings: LoadSettings = _DEFAULT_SETTINGS) -> Predictor:
        """Build the network of the card, or the one that the weights fit, and fill it."""
        from napari_medclf.engine.weights import fill, read_tensors

        weights = package.files[0]
        package = check_digest(package, weights)
        state = read_tensors(weights)
        if package.card.network.target == INFERRED:
            package = _infer(package, state)
        network = _build(package, weights)
        fill(network, state, str(weights))
        return ready(package, network, settings)


def _is_weights(path: Path) -> bool:
    kind = sniff(path)
    return kind in TENSOR_KINDS or (path.suffix.lower() in _SUFFIXES and kind not in _NOT_OURS)


def _infer(package: ModelPackage, state: dict[str, Tensor]) -> ModelPackage:
    from napari_medclf.engine.stock.infer import infer_network

    card = package.card
    spec, sentence = infer_network(state, str(package.files[0]), card.network.arguments)
    return replace(package, card=card.model_copy(update={"network": spec, "limits": (*card.limits, sentence)}))


def _build(package: ModelPackage, weights: Path) -> nn.Module:
    import torch

    from napari_medclf.engine.bounded_build import AtMost
    from napari_medclf.engine.networks import build_network

    # A training that goes on must not see other random numbers.
    with torch.random.fork_rng(devices=[]), AtMost(weights.stat().st_size, str(weights)):
        return build_network(package.card.network)
