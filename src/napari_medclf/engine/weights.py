"""Read weights from files of any maker and fill a network with them, all of them or none."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor, nn

from napari_medclf.domain.errors import CardError
from napari_medclf.domain.package import ModelPackage
from napari_medclf.engine.weight_files.checkpoint import read_checkpoint
from napari_medclf.engine.weight_files.clean import clean_tensors
from napari_medclf.engine.weight_files.kinds import TENSOR_KINDS, FileKind, sniff
from napari_medclf.engine.weight_files.nested import find_state
from napari_medclf.engine.weight_files.safetensors_file import read_safetensors

__all__ = ["explain_misfit", "fill", "load_weights", "read_checkpoint", "read_tensors"]

# What trainers put before the names of the network they hold.
_HOLDERS = ("model.", "net.", "network.", "_model.", "backbone.")


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Read the weights in a file by name; nothing in the file can run.

    Parameters
    ----------
    path : Path
        A safetensors file, or what ``torch.save`` wrote (zip or the older format), told by content: a state dict, or
        a checkpoint that holds one under ``state_dict``, ``model_state_dict``, ``network_weights`` and the like.

    Returns
    -------
    dict
        Name to tensor on the CPU, without ``module.`` and ``_orig_mod.`` before the names; floating-point numbers are
        float32, whatever they were stored as.

    Raises
    ------
    CardError
        If it is something else, cut short, damaged, needs unpickling of classes, or holds no finite numbers.
    """
    kind = sniff(path)
    if kind not in TENSOR_KINDS:
        raise CardError(f"{path}: is {kind}. Expected weights as safetensors or as a PyTorch state dict.")
    state = read_safetensors(path) if kind is FileKind.SAFETENSORS else read_checkpoint(path)
    return clean_tensors(find_state(state, str(path)), str(path), path.stat().st_size)


def fill(network: nn.Module, state: Mapping[str, Tensor], name: str) -> None:
    """Give a network every one of its parameters and buffers, or none.

    Parameters
    ----------
    state : dict
        As `read_tensors` returns it; a common beginning of all names (``model.``) is left out where the names fit so.
    name : str
        Of the file or model, for messages.

    Raises
    ------
    CardError
        If a name is missing or unknown, a shape differs, or there is nothing to fill; the network is as it was.
    """
    if not network.state_dict():
        raise CardError(f"{name}: its network has no parameters, so that there is nothing it could have learned.")
    fitting = _without_holder(network, state)
    misfit = explain_misfit(network, fitting)
    if misfit:
        raise CardError(f"{name}: the weights do not fit the network: {misfit}.")
    network.load_state_dict(dict(fitting), strict=True)


def explain_misfit(network: nn.Module, state: Mapping[str, Tensor]) -> str:
    """Say how weights differ from what a network needs; empty if they fit."""
    needed = network.state_dict()
    both = [key for key in needed if key in state]
    parts = (
        ("are missing", [key for key in needed if key not in state]),
        ("are unknown", [key for key in state if key not in needed]),
        ("have another shape", [key for key in both if needed[key].shape != state[key].shape]),
        ("are whole numbers", [k for k in both if needed[k].is_floating_point() and not state[k].is_floating_point()]),
    )
    return "; ".join(f"{len(keys)} {what}, such as {keys[0]!r}" for what, keys in parts if keys)


def load_weights(package: ModelPackage, network: nn.Module) -> None:
    """Fill a network from ``model.safetensors`` of one of our own packages.

    Raises
    ------
    CardError
        If the file is missing, damaged, not the one of the card, or does not fit the network exactly.
    """
    state = _read_own(package)
    misfit = explain_misfit(network, state)
    if misfit:
        raise CardError(f"{package.weights_path}: the weights do not fit the network of {package.name!r}: {misfit}.")
    network.load_state_dict(state, strict=True)


def _read_own(package: ModelPackage) -> dict[str, Tensor]:
    path = package.weights_path
    if not path.is_file():
        raise CardError(f"{package.folder}: the weights models/{path.name} are missing. Install the model again.")
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if package.card.weights_sha256 not in ("", digest):
        raise CardError(f"{path}: this is not the file of the card (SHA-256 differs). Install the model again.")
    if sniff(path) is not FileKind.SAFETENSORS:
        raise CardError(f"{path}: not a whole safetensors file (it is {sniff(path)}). Install the model again.")
    return clean_tensors(read_safetensors(path), str(path), path.stat().st_size)


def _without_holder(network: nn.Module, state: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    needed = network.state_dict().keys()
    for holder in _HOLDERS:
        if all(key.startswith(holder) for key in state):
            shorter = {key.removeprefix(holder): value for key, value in state.items()}
            if shorter.keys() == needed:
                return shorter
    return state
