"""Model packages for benchmarks: networks of random weights, whose answers mean nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from napari_medclf.domain.card import ModelCard, NetworkSpec, Task
from napari_medclf.domain.input_spec import InputSpec, Intensity
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.output_spec import OutputSpec
from napari_medclf.domain.run import RunSpec
from napari_medclf.store.bundle import write_package

XRAY_PX = 224
HIGHEST = 4095
CLASSES = [f"finding {number}" for number in range(1, 19)]
DENSENET = {"spatial_dims": 2, "in_channels": 1, "out_channels": len(CLASSES)}
TINY_PX = 32
TINY = {
    "in_shape": (1, TINY_PX, TINY_PX), "classes": 2, "channels": (4, 8), "strides": (2, 2), "kernel_size": 3,
}  # fmt: skip
UNET_3D = {"spatial_dims": 3, "in_channels": 1, "out_channels": 3, "channels": (8, 16, 32), "strides": (2, 2)}


def make_densenet(folder: Path) -> Path:
    """Write a DenseNet-121 for X-rays, scaled as TorchXRayVision does; its bare weights go to ``weights.pt`` beside."""
    intensity = Intensity(kind="window", low=0, high=HIGHEST, is_clipped=False, mean=(0.5,), std=(1 / 2048,))
    inputs = InputSpec(
        spatial_dims=2,
        channels=("gray",),
        intensity=intensity,
        crop="square",
        resize_to=(XRAY_PX, XRAY_PX),
        patch_vox=(XRAY_PX, XRAY_PX),
    )
    outputs = OutputSpec(schema=LabelSchema.from_names(CLASSES), activation="sigmoid")
    network = _write(folder, Task.CLASSIFY, "DenseNet121", DENSENET, inputs, outputs)
    torch.save(network.state_dict(), folder.parent / "weights.pt")
    return folder


def make_tiny_classifier(folder: Path) -> Path:
    """Write a small classifier of pictures of 32 x 32."""
    inputs = InputSpec(
        spatial_dims=2,
        channels=("gray",),
        intensity=Intensity(kind="range"),
        resize_to=(TINY_PX, TINY_PX),
        patch_vox=(TINY_PX, TINY_PX),
    )
    _write(folder, Task.CLASSIFY, "Classifier", TINY, inputs, OutputSpec(schema=LabelSchema.from_names(["one", "two"])))
    return folder


def make_segmenter(folder: Path) -> Path:
    """Write a small 3D U-Net for CT."""
    inputs = InputSpec(
        spatial_dims=3,
        channels=("CT",),
        intensity=Intensity(kind="window", low=-1000, high=1000),
        patch_vox=(64, 96, 96),
        divisible_by=4,
    )
    schema = LabelSchema.from_names(["background", "liver", "spleen"])
    _write(folder, Task.SEGMENT, "UNet", UNET_3D, inputs, OutputSpec(schema=schema))
    return folder


def _write(
    folder: Path, task: Task, name: str, arguments: dict[str, Any], inputs: InputSpec, outputs: OutputSpec
) -> torch.nn.Module:
    """Write a package with a network of MONAI."""
    from monai.networks import nets
    from safetensors.torch import save

    torch.manual_seed(0)
    network: torch.nn.Module = getattr(nets, name)(**arguments).eval()
    card = ModelCard(
        name=folder.name,
        version="1",
        task=task,
        title=f"{name} for a benchmark",
        description="Random weights.",
        input=inputs,
        output=outputs,
        network=NetworkSpec(target=f"monai.networks.nets.{name}", arguments=arguments),
        licence="CC0",
    )
    write_package(folder, card, save(network.state_dict()), RunSpec(command="train", options={}), "CC0")
    return network
