"""What the networks of bundles are for, and how many channels go in and come out."""

from __future__ import annotations

from typing import Any, TypeGuard

from napari_medclf.domain.card import Task
from napari_medclf.domain.errors import CardError
from napari_medclf.store.monai_config.pieces import Component

_CLASSIFIERS = (
    "DenseNet",
    "DenseNet121",
    "DenseNet169",
    "DenseNet201",
    "DenseNet264",
    "EfficientNetBN",
    "ResNet",
    "SEResNet50",
    "SEResNet101",
    "SENet154",
    "TorchVisionFCModel",
    "ViT",
    "Classifier",
    "resnet10",
    "resnet18",
    "resnet34",
    "resnet50",
    "resnet101",
)
# Why a network is no model for an image here, whoever builds it.
_OTHER = {
    "Generator": "makes images out of noise",
    "DiffusionModelUNet": "makes images out of noise",
    "AutoencoderKL": "codes images for other networks",
    "RegUNet": "finds how one image moves onto another",
    "RegResNet": "finds how one image moves onto another",
    "PointRegressor": "finds landmarks",
    "VISTA3D": "needs clicks or class prompts",
    "vista3d132": "needs clicks or class prompts",
    "TopologySearch": "searches for an architecture",
    "TopologyInstance": "is a part of a network",
}
_MOST_CHANNELS = 10_000
_OUTPUTS = ("out_channels", "num_classes", "out_classes", "classes")
_INPUTS = ("in_channels", "n_input_channels")


def task_of(network: Component, metadata_format: str) -> Task:
    """Say what a network does with an image.

    Parameters
    ----------
    metadata_format : str
        ``format`` of the output by the metadata; decides for networks of the bundle's own code.

    Raises
    ------
    CardError
        If it does nothing that this program offers.
    """
    name = network.short_name
    if name in _OTHER:
        raise CardError(
            f"Its network {name} {_OTHER[name]}; this program runs networks that label, classify or detect."
        )
    if name in _CLASSIFIERS:
        return Task.CLASSIFY
    if name == "RetinaNet":
        return Task.DETECT
    if name == "HoVerNet":
        return Task.INSTANCES
    if network.is_allowed:
        return Task.SEGMENT
    return Task.CLASSIFY if metadata_format in ("classes", "classification", "probabilities") else Task.SEGMENT


def spatial_dims_of(network: Component, inferer: Any, shape_said: tuple[int, ...] | None) -> int:
    """Say whether a network takes pictures or volumes: by its arguments, its windows, or the metadata's size."""
    said = network.arguments.get("spatial_dims", network.arguments.get("dimensions"))
    if said in (2, 3):
        return int(said)
    if network.short_name in ("HoVerNet", "TorchVisionFCModel"):
        return 2
    if network.short_name == "SegResNet":
        return 3
    roi = inferer.arguments.get("roi_size") if isinstance(inferer, Component) else None
    size = roi if isinstance(roi, list) else shape_said
    return 2 if size is not None and len(size) == 2 else 3


def count_inputs(network: Component, said: Any) -> int:
    """Count the channels that go in; a RetinaNet's stand at its backbone."""
    if network.short_name == "TorchVisionFCModel":
        return 3  # its in_channels are those of its last layer
    for part in _parts(network):
        for name in _INPUTS:
            value = part.arguments.get(name)
            if _is_count(value):
                return value
    return said if _is_count(said) else 3 if network.short_name == "HoVerNet" else 1


def count_outputs(network: Component, said: Any) -> int | None:
    """Count the channels that come out; None where nothing says."""
    for name in _OUTPUTS:
        value = network.arguments.get(name)
        if _is_count(value):
            return value
    return said if _is_count(said) else None


def _is_count(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= _MOST_CHANNELS


def mode_of(network: Component) -> str:
    """Which of its two sizes a HoVerNet has; MONAI's default is the fast one."""
    return "original" if str(network.arguments.get("mode", "fast")).casefold() == "original" else "fast"


def _parts(component: Component) -> list[Component]:
    inside = [one for one in (*component.arguments.values(), *component.positional) if isinstance(one, Component)]
    return [component, *(part for one in inside for part in _parts(one))]
