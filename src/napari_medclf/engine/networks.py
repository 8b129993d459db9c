"""Build networks by name, from a list of names that is safe to call."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import nn

from napari_medclf.domain.card import NetworkSpec
from napari_medclf.domain.errors import BackendUnavailable, CardError, unknown_choice
from napari_medclf.domain.monai_networks import NETWORK_MODULE, NETWORKS
from napari_medclf.engine.faster import make_faster
from napari_medclf.engine.nets import TWINS, NotSupported
from napari_medclf.engine.nets.own import OWN
from napari_medclf.engine.nets.resnet_fpn import resnet_fpn_feature_extractor
from napari_medclf.engine.nets.third_party import THIRD_PARTY
from napari_medclf.engine.network_parts import POSITIONAL, resolve_parts

_RETINA = "monai.apps.detection.networks.retinanet_network"
_ALLOWED_ELSEWHERE = (f"{_RETINA}.RetinaNet", f"{_RETINA}.resnet_fpn_feature_extractor")
# MONAI's own needs torchvision for a few lines.
_STAND_INS = {f"{_RETINA}.resnet_fpn_feature_extractor": resnet_fpn_feature_extractor}
# What older MONAI took: another name today, or (empty) nothing that the network depends on.
_RENAMED: dict[str, dict[str, str]] = {"": {"dimensions": "spatial_dims"}, "SwinUNETR": {"img_size": ""}}
_FIXED_SIZE = ("UNETR", "ViT")
_DOWNLOADS = ("pretrained", "pretrained_backbone", "pretrained_url", "weights")


def build_network(spec: NetworkSpec, folder: Path | None = None) -> nn.Module:
    """Make an untrained network in training mode.

    Parameters
    ----------
    spec : NetworkSpec
        `target` is the name of a network of MONAI, such as ``"monai.networks.nets.BasicUNet"``; its
        arguments are plain JSON values, which may describe other networks (`network_parts`).
    folder : Path or None
        Where files lie that describe a part of the network.

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
    arguments: dict[str, Any] = resolve_parts(dict(spec.arguments), _build_part, folder)
    built = _build(spec.target, arguments.pop(POSITIONAL, []), arguments)
    if not isinstance(built, nn.Module):
        raise CardError(f"{spec.target} makes no network.")
    return make_faster(built)


def allowed_targets() -> tuple[str, ...]:
    """List the full names of what may be built."""
    return (*(f"{NETWORK_MODULE}.{name}" for name in sorted(NETWORKS)), *_ALLOWED_ELSEWHERE, *THIRD_PARTY, *OWN)


def has_one_size(spec: NetworkSpec) -> bool:
    """Whether a network is built for one size of input, the card's patch."""
    return spec.target.endswith(_FIXED_SIZE)


def count_parameters(network: nn.Module) -> int:
    """How many numbers a network learns."""
    return sum(parameter.numel() for parameter in network.parameters())


def _build(target: str, positional: Sequence[Any], arguments: Mapping[str, Any]) -> nn.Module:
    name = _check_target(target)
    ours = THIRD_PARTY | OWN
    if target in ours:
        return _call(ours[target], name, positional, arguments)
    if name in TWINS and target.startswith(f"{NETWORK_MODULE}.") and not positional:
        try:
            return _call(TWINS[name], name, (), _as_today(name, arguments))
        except NotSupported:  # an unusual argument: MONAI's own knows it
            pass
    return _build_part(target, positional, arguments)


def _build_part(target: str, positional: Sequence[Any], arguments: Mapping[str, Any]) -> nn.Module:
    """Build MONAI's own: what takes it as a part looks into it, and a twin is equal on the outside only."""
    name = _check_target(target)
    make = _STAND_INS.get(target) or _find_in_monai(target)
    return _call(make, name, positional, _as_today(name, arguments))


def _check_target(target: str) -> str:
    if target not in allowed_targets():
        raise CardError(unknown_choice("network", target, allowed_targets()))
    return target.rpartition(".")[2]


def _as_today(name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Use today's names of arguments that MONAI renamed or dropped."""
    renamed = _RENAMED[""] | _RENAMED.get(name, {})
    kept = {key: value for key, value in arguments.items() if key not in renamed}
    moved = {renamed[key]: value for key, value in arguments.items() if renamed.get(key)}
    return moved | kept


def _find_in_monai(target: str) -> Callable[..., nn.Module]:
    from importlib import import_module

    module, _, name = target.rpartition(".")
    found: Callable[..., nn.Module] | None = getattr(import_module(module), name, None)  # both from our own list
    if found is None:
        raise CardError(f"The installed MONAI has no network {name!r}. Update MONAI, or choose another model.")
    return found


def _call(make: Callable[..., nn.Module], name: str, positional: Sequence[Any], given: Mapping[str, Any]) -> nn.Module:
    try:
        signature = inspect.signature(make)
        bound = signature.bind_partial(*positional, **given)
        if "pretrained" in signature.parameters:
            bound.arguments.setdefault("pretrained", False)
        for download in _DOWNLOADS:
            if bound.arguments.get(download):
                raise CardError(f"The network {name} asks to download weights. A model package brings its own.")
        return make(*bound.args, **bound.kwargs)
    except (NotSupported, CardError):
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
