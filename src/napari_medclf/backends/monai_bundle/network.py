"""The network that a bundle's configuration describes, as plain values."""

from __future__ import annotations

from typing import Any

from napari_medclf.backends.monai_bundle.files import BundleFiles
from napari_medclf.domain.card import NetworkSpec
from napari_medclf.domain.errors import CardError
from napari_medclf.store.monai_config.pieces import Code, Component, Constant, Item, iter_code

# A bundle brings all of its weights, so that none are downloaded to begin with.
_DOWNLOADS = ("pretrained", "progress", "pretrained_url", "weights")
NETWORK_IDS = ("network_def", "network", "net", "model")


def describe_network(bundle: BundleFiles) -> tuple[str, Component | Code]:
    """Find the id of the network in a bundle's configuration, and what it describes.

    Raises
    ------
    CardError
        If there is none.
    """
    for name in NETWORK_IDS:
        if name in bundle.inference:
            value = bundle.inference.describe(name)
            if isinstance(value, (Component, Code)):
                return name, value
    raise CardError(f"{bundle.inference_path}: names no network (looked for {', '.join(NETWORK_IDS)}).")


def code_of(network: Component | Code) -> tuple[str, ...]:
    """List what would have to run to build the network; empty where our own builder can."""
    return tuple(dict.fromkeys(iter_code(network)))


def as_spec(network: Component | Code) -> NetworkSpec:
    """Write a described network as a card does: nested parts become ``{"_target_": ...}``.

    A network that is code keeps its text as `target`; `engine.networks` refuses to build it.
    """
    if isinstance(network, Code):
        return NetworkSpec(target=network.text)
    arguments = {name: plain(value) for name, value in network.arguments.items() if name not in _DOWNLOADS}
    if network.positional:
        arguments["_args_"] = [plain(one) for one in network.positional]
    return NetworkSpec(target=network.target, arguments=arguments)


def plain(value: Any) -> Any:
    """Write pieces as JSON values."""
    if isinstance(value, Component):
        arguments = {name: plain(one) for name, one in value.arguments.items() if name not in _DOWNLOADS}
        args = {"_args_": [plain(one) for one in value.positional]} if value.positional else {}
        return {"_target_": value.target, **args, **arguments}
    if isinstance(value, Item):
        return {"_item_": value.key, "_of_": plain(value.of)}
    if isinstance(value, Constant):
        return {"_constant_": value.name}
    if isinstance(value, Code):
        return value.text
    if isinstance(value, dict):
        return {str(name): plain(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    return value
