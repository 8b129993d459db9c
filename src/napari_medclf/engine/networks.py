"""Build networks by name, from a list of names that is safe to call."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from typing import Any

from torch import nn

from napari_medclf.domain.card import NetworkSpec
from napari_medclf.domain.errors import BackendUnavailable, CardError, unknown_choice
from napari_medclf.engine.faster import make_faster
from napari_medclf.engine.nets import TWINS, NotSupported

_MODULE = "monai.networks.nets"
_ALLOWED = (
    "AttentionUnet",
    "BasicUNet",
    "BasicUNetPlusPlus",
    "DenseNet",
    "DenseNet121",
    "DenseNet169",
    "DenseNet201",
    "DynUNet",
    "EfficientNetBN",
    "FlexibleUNet",
    "HighResNet",
    "MedNeXt",
    "ResNet",
    "SEResNet50",
    "SegResNet",
    "SegResNetDS",
    "SwinUNETR",
    "UNet",
    "UNETR",
    "ViT",
    "VNet",
)


def build_network(spec: NetworkSpec) -> nn.Module:
    """Make an untrained network in training mode.

    Parameters
    ----------
    spec : NetworkSpec
        `target` is the name of a network of MONAI, such as ``"monai.networks.nets.BasicUNet"``; its
        arguments are plain JSON values.

    Raises
    ------
    CardError
        If the target is not on the list, an argument does not fit, or weights would be downloaded.
    BackendUnavailable
        If the network needs a package that is not installed.

    Notes
    -----
    Importing any part of MONAI imports all of it (6-13 s after torch, MONAI 1.6.1). The networks that
    our own training chooses have a twin in `engine.nets` with the same parameters, names and output,
    so that running them needs torch alone. In all of them, layers that torch runs slowly on a CPU are
    swapped for equal ones (`engine.faster`).
    """
    name = _check_target(spec.target)
    if name in TWINS:
        try:
            return make_faster(_call(TWINS[name], name, spec.arguments))
        except NotSupported:  # an unusual argument: MONAI's own knows it
            pass
    return make_faster(_call(_find_in_monai(name), name, spec.arguments))


def count_parameters(network: nn.Module) -> int:
    """How many numbers a network learns."""
    return sum(parameter.numel() for parameter in network.parameters())


def _check_target(target: str) -> str:
    module, _, name = target.rpartition(".")
    if module != _MODULE or name not in _ALLOWED:
        raise CardError(unknown_choice("network", target, [f"{_MODULE}.{allowed}" for allowed in _ALLOWED]))
    return name


def _find_in_monai(name: str) -> Callable[..., nn.Module]:
    from monai.networks import nets

    found: Callable[..., nn.Module] | None = getattr(nets, name, None)
    if found is None:
        raise CardError(f"The installed MONAI has no network {name!r}. Update MONAI, or choose another model.")
    return found


def _call(make: Callable[..., nn.Module], name: str, arguments: Mapping[str, Any]) -> nn.Module:
    given = dict(arguments)
    if "pretrained" in inspect.signature(make).parameters and given.setdefault("pretrained", False):
        raise CardError(f"The network {name} asks to download weights. A model package brings its own.")
    try:
        return make(**given)
    except NotSupported:
        raise
    except ImportError as error:
        raise BackendUnavailable(_name_missing_package(name, error)) from error
    except Exception as error:
        reason = " ".join(str(error).split())[:300]
        raise CardError(f"The network {name} cannot be built with {given}: {reason}.") from error


def _name_missing_package(name: str, error: ImportError) -> str:
    found = re.search(r"No module named '([\w.]+)'", str(error))
    package = repr(found[1].partition(".")[0]) if found else "that is named in the log"
    return f"The network {name} needs the package {package}, which is not installed. Install it, then try again."
