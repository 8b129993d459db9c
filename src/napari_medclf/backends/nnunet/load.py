"""From nnU-Net's checkpoints to a model that is ready."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from napari_medclf.backends.nnunet.result_folder import ResultFolder, find_result
from napari_medclf.domain.backend import Predictor
from napari_medclf.domain.card import ModelCard
from napari_medclf.domain.errors import CardError
from napari_medclf.domain.package import ModelPackage
from napari_medclf.domain.run_settings import LoadSettings

_OURS = ("configuration", "checkpoint", "folds")


def load(package: ModelPackage, settings: LoadSettings) -> Predictor:
    """Build the network of the card, once for each fold, and fill it.

    Raises
    ------
    CardError
        If a checkpoint is damaged, of another configuration, or does not fit the plans.
    BackendUnavailable
        If the device is not there.
    """
    from napari_medclf.engine.device import choose_device
    from napari_medclf.engine.model import place_model
    from napari_medclf.engine.nets.members import Members

    choose_device(settings.device)  # refuses before weights are read
    chosen = package.card.network.arguments
    result = find_result(package.folder, str(chosen["checkpoint"]), tuple(chosen["folds"]))
    checkpoints = [_read(path, str(chosen["configuration"])) for path in result.weights]
    networks = [_build(package.card, one, path) for one, path in zip(checkpoints, result.weights, strict=True)]
    network = networks[0] if len(networks) == 1 else Members(networks)
    card = _complete(package.card, checkpoints[0], result)
    return place_model(replace(package, card=card), network, settings)


def _read(path: Path, configuration: str) -> Mapping[str, Any]:
    from napari_medclf.engine.weights import read_checkpoint

    content = read_checkpoint(path)
    if not isinstance(content, Mapping) or not isinstance(content.get("network_weights"), Mapping):
        raise CardError(f"{path}: is no checkpoint of nnU-Net v2; it has no network_weights.")
    settings = content.get("init_args")
    trained = settings.get("configuration", configuration) if isinstance(settings, Mapping) else configuration
    if trained != configuration:
        raise CardError(f"{path}: was trained as {trained}, but its folder says {configuration}.")
    return content


def _build(card: ModelCard, checkpoint: Mapping[str, Any], path: Path) -> Any:
    import torch

    from napari_medclf.engine.bounded_build import AtMost
    from napari_medclf.engine.nets.from_plans import build_from_plans
    from napari_medclf.engine.weight_files.clean import clean_tensors
    from napari_medclf.engine.weight_files.nested import find_state
    from napari_medclf.engine.weights import fill

    arguments = {key: value for key, value in card.network.arguments.items() if key not in _OURS}
    n_outputs = len(card.schema_.foreground) + int(card.output.has_background_channel)
    # A training that goes on must not see other random numbers.
    with torch.random.fork_rng(devices=[]), AtMost(path.stat().st_size, str(path)):
        network = build_from_plans(card.network.target, arguments, len(card.input.channels), n_outputs)
    state = find_state(checkpoint["network_weights"], str(path))
    fill(network, clean_tensors(state, str(path), path.stat().st_size), str(path))
    return network.eval().requires_grad_(False)


def _complete(card: ModelCard, checkpoint: Mapping[str, Any], result: ResultFolder) -> ModelCard:
    """Add to the card what only the checkpoints know."""
    axes = tuple(int(axis) for axis in checkpoint.get("inference_allowed_mirroring_axes") or ())
    if any(not 0 <= axis < card.input.spatial_dims for axis in axes):
        raise CardError(f"{result.weights[0]}: allows flips along the axes {axes}, which the network does not have.")
    output = card.output.model_copy(update={"mirror_axes": axes, "n_members": len(result.folds)})
    return card.model_copy(update={"output": output, "weights_sha256": _digest(result.weights)})


def _digest(paths: Iterable[Path]) -> str:
    """One digest of all folds: that of the file where there is one, else of their digests."""
    digests = []
    for path in paths:
        with path.open("rb") as file:
            digests.append(hashlib.file_digest(file, "sha256").hexdigest())
    return digests[0] if len(digests) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest()
