"""Load the weights of a package into its network, all of them or none."""

from __future__ import annotations

import hashlib

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from napari_medclf.domain.errors import CardError
from napari_medclf.domain.package import ModelPackage


def load_weights(package: ModelPackage, network: nn.Module) -> None:
    """Fill a network from ``model.safetensors``; nothing in that file can run code.

    Raises
    ------
    CardError
        If the file is missing, damaged, not the one of the card, or does not fit the network exactly.
    """
    state = _read(package)
    misfit = explain_misfit(network, state)
    if misfit:
        raise CardError(f"{package.weights_path}: the weights do not fit the network of {package.name!r}: {misfit}.")
    network.load_state_dict(state, strict=True)


def explain_misfit(network: nn.Module, state: dict[str, Tensor]) -> str:
    """Say how weights differ from what a network needs; empty if they fit."""
    needed = network.state_dict()
    missing = [key for key in needed if key not in state]
    strange = [key for key in state if key not in needed]
    misshapen = [key for key in needed if key in state and needed[key].shape != state[key].shape]
    parts = (("are missing", missing), ("are unknown", strange), ("have another shape", misshapen))
    return "; ".join(f"{len(keys)} {what}, such as {keys[0]!r}" for what, keys in parts if keys)


def _read(package: ModelPackage) -> dict[str, Tensor]:
    path = package.weights_path
    if not path.is_file():
        raise CardError(f"{package.folder}: the weights models/{path.name} are missing. Install the model again.")
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if package.card.weights_sha256 not in ("", digest):
        raise CardError(f"{path}: this is not the file of the card (SHA-256 differs). Install the model again.")
    try:
        return load_file(path, device="cpu")
    except (SafetensorError, ValueError, torch.OutOfMemoryError) as error:
        raise CardError(f"{path}: not a whole safetensors file ({error}). Install the model again.") from error
