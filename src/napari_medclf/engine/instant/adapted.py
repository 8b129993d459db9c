"""A model with what an instant head learned in its weights."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from napari_medclf.domain.run_settings import LoadSettings
from napari_medclf.engine.answers.checked import count_outputs
from napari_medclf.engine.instant.features import FeatureNetwork, LastLayer, torch_network
from napari_medclf.engine.instant.regression import Change
from napari_medclf.engine.instant.targets import Channels
from napari_medclf.engine.model import LoadedModel, place_model


def adapt_model(model: LoadedModel, layers: Sequence[LastLayer], change: Change) -> LoadedModel:
    """Put a change of the last layer into a copy of the network's weights.

    Parameters
    ----------
    change : Change
        Of the mean logits, for features as the network gives them.

    Returns
    -------
    LoadedModel
        The weights are those of the card's own network, so that it can be packaged, unless the last layer could not be
        heard: then the change is computed beside the network, and the model runs here only.
    """
    module = torch_network(model.network)
    if change.is_none:
        return model
    if module is None or not layers or model.card.output.is_activated or len(change.shift) < count_outputs(model.card):
        return _beside(model, layers, change)
    adapted = copy.deepcopy(module)
    _change_weights(adapted, layers, change)
    digest = digest_of(adapted)
    card = model.card.model_copy(update={"weights_sha256": digest, "fingerprint": None})
    package = replace(model.package, card=card)
    return place_model(package, adapted, LoadSettings(device=str(model.device), runtime="torch"))


def _change_weights(network: nn.Module, layers: Sequence[LastLayer], change: Change) -> None:
    """Add a change of the mean of several members to each of them, in its own part."""
    first = 0
    with torch.no_grad():
        for layer in layers:
            last = network.get_submodule(layer.name)
            assert isinstance(last, (nn.Conv2d, nn.Conv3d))
            slope = torch.from_numpy(change.slope[first : first + last.in_channels].T.copy())
            first += last.in_channels
            weight = last.weight + len(layers) * slope.reshape(last.weight.shape).to(last.weight)
            last.weight = nn.Parameter(weight, requires_grad=False)
            shift = torch.from_numpy(change.shift).to(last.weight)
            bias = shift if last.bias is None else last.bias + shift
            last.bias = nn.Parameter(bias, requires_grad=False)


def digest_of(network: nn.Module) -> str:
    """SHA-256 of all weights in their order."""
    found = hashlib.sha256()
    for name, tensor in sorted(network.state_dict().items()):
        found.update(name.encode())
        found.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return found.hexdigest()


def _beside(model: LoadedModel, layers: Sequence[LastLayer], change: Change) -> LoadedModel:
    output = model.card.output.model_copy(update={"is_activated": False, "n_members": 1})
    card = model.card.model_copy(update={"output": output, "fingerprint": None})
    return replace(model, package=replace(model.package, card=card), network=ChangedNetwork(model, layers, change))


class ChangedNetwork:
    """Answers with a network's mean logits and a change of them, computed from what the network hears."""

    def __init__(self, model: LoadedModel, layers: Sequence[LastLayer], change: Change) -> None:
        self._network = FeatureNetwork(model.network, layers)
        self._channels, self._n_members = Channels(model.card), model.card.output.n_members
        self._n_answered = count_outputs(model.card)
        self._slope, self._shift = torch.from_numpy(change.slope), torch.from_numpy(change.shift)

    def __call__(self, windows: Tensor) -> Tensor:
        """Answer (N, C, *spatial) windows."""
        found = self._network(windows).float()
        n = self._n_answered
        answer = found[:, : n * self._n_members].unflatten(1, (self._n_members, n)).mean(dim=1)
        logits = torch.from_numpy(self._channels.logits(answer.movedim(1, 0).cpu().numpy())).movedim(0, 1)
        features = found[:, n * self._n_members :].cpu()
        more = torch.einsum("nf...,fc->nc...", features, self._slope)
        more += self._shift.reshape(1, -1, *[1] * (features.ndim - 2))
        logits = logits.clone()
        logits[:, : more.shape[1]] += more
        return logits.to(windows.device)
