"""Find the one network of MONAI that weights fit exactly."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from napari_medclf.domain.card import NetworkSpec
from napari_medclf.domain.errors import BackendUnavailable, CardError
from napari_medclf.engine.networks import build_network
from napari_medclf.engine.stock.classifiers import dense_net, res_net
from napari_medclf.engine.stock.names import Names
from napari_medclf.engine.stock.unets import basic_unet, dyn_unet, seg_resnet, unet
from napari_medclf.engine.weights import explain_misfit

_CANDIDATES: dict[str, Callable[[Names], dict[str, Any]]] = {
    "BasicUNet": basic_unet,
    "DenseNet": dense_net,
    "DynUNet": dyn_unet,
    "ResNet": res_net,
    "SegResNet": seg_resnet,
    "UNet": unet,
}


def infer_network(
    state: Mapping[str, Tensor], name: str, known: Mapping[str, Any] | None = None
) -> tuple[NetworkSpec, str]:
    """Infer a network and its arguments from names and shapes.

    Parameters
    ----------
    state : dict
        As `engine.weights.read_tensors` returns it.
    name : str
        Of the file, for messages.
    known : dict or None
        Arguments that a person gives, above what is inferred.

    Returns
    -------
    network, sentence
        What was found, and what the weights do not show and was therefore assumed.

    Raises
    ------
    CardError
        If none fits every tensor, or more than one does.
    """
    fits: list[NetworkSpec] = []
    reasons: list[str] = []
    for target, infer in _CANDIDATES.items():
        try:
            arguments = {**infer(Names(state)), **(known or {})}
        except (KeyError, IndexError, StopIteration, ValueError):
            continue  # a name that this network always has is missing
        spec = NetworkSpec(target=f"monai.networks.nets.{target}", arguments=arguments)
        misfit = _try(spec, state)
        if misfit:
            reasons.append(f"{target} comes near, but {misfit}")
        else:
            fits.append(spec)
    if len(fits) != 1:
        said = f"; {reasons[0]}" if reasons and not fits else ""
        which = "none" if not fits else " and ".join(spec.target for spec in fits)
        raise CardError(
            f"{name}: which network these weights belong to cannot be inferred ({which} of {', '.join(_CANDIDATES)} "
            f"fits{said}); name it in the card's network."
        )
    return fits[0], _say(fits[0])


def _try(spec: NetworkSpec, state: Mapping[str, Tensor]) -> str:
    try:
        with torch.random.fork_rng(devices=[]):
            return explain_misfit(build_network(spec), state)
    except (CardError, BackendUnavailable) as error:
        return str(error)


def _say(spec: NetworkSpec) -> str:
    listed = ", ".join(f"{key} {value}" for key, value in spec.arguments.items())
    return (
        f"The network was inferred from its weights: {spec.target} with {listed}; what weights do not show "
        "(activation, some strides) is MONAI's default."
    )
