"""The ``metadata.json`` of a MONAI bundle, made from a model card."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import Any

from napari_medclf.domain.card import ModelCard, Task
from napari_medclf.domain.input_spec import Intensity

CARD_KEY = "napari_medclf"
"""Where our card lies in the metadata; other programs ignore it."""

_SCHEMA = "https://github.com/Project-MONAI/MONAI-extra-test-data/releases/download/0.8.1/meta_schema_20240725.json"
_FORMAT = {
    Task.CLASSIFY: "classes",
    Task.SEGMENT: "labels",
    Task.INSTANCES: "labels",
    Task.DETECT: "boxes",
    Task.REGRESS: "values",
}
_TYPE = {Task.CLASSIFY: "probabilities", Task.REGRESS: "tuples", Task.DETECT: "tuples"}
_INSTANCE_CHANNELS = ("background", "interior", "border")


def bundle_metadata(card: ModelCard) -> dict[str, Any]:
    """Describe a model as the MONAI Bundle Specification wants it, with the card under one key.

    Mandatory keys: version, monai_version, pytorch_version, numpy_version, required_packages_version
    (older MONAI: ``optional_packages_version``), task, description, authors, copyright,
    network_data_format.
    """
    return {
        "schema": _SCHEMA,
        "version": card.version,
        "changelog": {card.version: f"made {card.created or 'at an unknown time'}"},
        "monai_version": _version("monai"),
        "pytorch_version": _version("torch"),
        "numpy_version": _version("numpy"),
        "required_packages_version": {"safetensors": _version("safetensors"), "nibabel": _version("nibabel")},
        "name": card.title,
        "task": card.title,
        "description": card.description,
        "authors": card.author or "unknown",
        "copyright": f"Licence: {card.licence}",
        "intended_use": card.intended_use,
        "data_source": "; ".join(f"{one.name} ({one.licence})" for one in card.data) or "unknown",
        "references": [one.attribution for one in card.data if one.attribution],
        "eval_metrics": {name: metric.value for name, metric in card.metrics.items()},
        "network_data_format": {
            "inputs": {"image": _input(card)},
            "outputs": {"pred": _output(card)},
        },
        CARD_KEY: card.model_dump(mode="json", by_alias=True),
    }


def output_channels(card: ModelCard) -> tuple[str, ...]:
    """Name the network's output channels in their order."""
    names = card.schema_.names
    if card.output.activation == "ordinal":
        return tuple(f"above {name}" for name in names[:-1])
    if card.task is Task.DETECT:
        corners = [f"{end} {axis}" for end in ("first", "last") for axis in "kji"[-card.input.spatial_dims :]]
        return (*names, *corners)
    if card.task.is_of_whole_image:
        return names
    if card.task is Task.INSTANCES:
        return _INSTANCE_CHANNELS
    return ("background", *(one.name for one in card.schema_.foreground))


def _input(card: ModelCard) -> dict[str, Any]:
    spec = card.input
    return {
        "type": "image",
        "format": "hounsfield" if spec.modality == ("CT",) else "magnitude",
        "modality": ", ".join(spec.modality) or "n/a",
        "num_channels": len(spec.channels),
        "spatial_shape": list(spec.resize_to or spec.patch_vox),
        "dtype": "float32",
        "value_range": _value_range(spec.intensity),
        "is_patch_data": spec.resize_to is None,
        "channel_def": {str(number): name for number, name in enumerate(spec.channels)},
    }


def _output(card: ModelCard) -> dict[str, Any]:
    channels = output_channels(card)
    is_image = not card.task.is_of_whole_image
    return {
        "type": _TYPE.get(card.task, "image"),
        "format": _FORMAT[card.task],
        "modality": "n/a",
        "num_channels": len(channels),
        "spatial_shape": list(card.input.patch_vox) if is_image else [1],
        "dtype": "float32",
        "value_range": [],
        "is_patch_data": is_image,
        "channel_def": {str(number): name for number, name in enumerate(channels)},
    }


def _value_range(intensity: Intensity) -> list[float]:
    is_bounded = intensity.kind != "zscore" and not intensity.mean and not intensity.std
    return [0, 1] if is_bounded else []


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"
